#include "executor/task_udp.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "executor/task_net.h"

namespace weft {

using sys::IoKind;
using sys::IoOperation;
using sys::NetAddress;

int UdpSocket::Bind(const NetAddress& at, UdpSocket* socket, const SocketOptions& options) {
  sys::Fd fd(::socket(at.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return -errno;
  if (const int error = ApplySocketOptions(fd.get(), options); error != 0) return error;
  if (::bind(fd.get(), at.get(), at.bytes()) != 0) return -errno;
  socket->fd_ = std::move(fd);
  return 0;
}

int UdpSocket::Connect(const NetAddress& to) {
  return ::connect(fd(), to.get(), to.bytes()) == 0 ? 0 : -errno;
}

int64_t UdpSocket::SendMessage(TaskContext& context, std::string_view bytes, const NetAddress* to,
                               int64_t limit_ns) {
  // The system reads both only.
  iovec part = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (to != nullptr) {
    message.msg_name = const_cast<sockaddr*>(to->get());
    message.msg_namelen = to->bytes();
  }
  IoOperation operation{.kind = IoKind::kSendMessage, .fd = fd()};
  operation.message = &message;
  operation.time_limit_ns = limit_ns;
  return RunAwaited(context, operation);
}

int64_t UdpSocket::SendTo(TaskContext& context, std::string_view bytes, const NetAddress& to,
                          int64_t limit_ns) {
  return SendMessage(context, bytes, &to, limit_ns);
}

int64_t UdpSocket::Send(TaskContext& context, std::string_view bytes, int64_t limit_ns) {
  return SendMessage(context, bytes, nullptr, limit_ns);
}

Datagram UdpSocket::Receive(TaskContext& context, std::span<char> buffer, int64_t limit_ns) {
  sockaddr_storage storage = {};
  iovec part = {.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr message = {};
  message.msg_name = &storage;
  message.msg_namelen = sizeof(storage);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  IoOperation operation{.kind = IoKind::kReceiveMessage, .fd = fd()};
  operation.message = &message;
  operation.time_limit_ns = limit_ns;
  Datagram datagram = {.bytes = RunAwaited(context, operation)};
  if (datagram.bytes < 0) return datagram;
  datagram.from = NetAddress::From(reinterpret_cast<sockaddr*>(&storage), message.msg_namelen);
  datagram.was_cut = (message.msg_flags & MSG_TRUNC) != 0;
  return datagram;
}

std::optional<NetAddress> UdpSocket::LocalAddress() const { return LocalAddressOf(fd()); }

}  // namespace weft
