#include "executor/task_net.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace weft {
namespace {

using sys::IoKind;
using sys::IoOperation;
using sys::NetAddress;

// A unix socket whose listener is full is asked for again this often: nothing tells when it is not.
constexpr int64_t kFullRetryNs = 1'000'000;

StreamEnd ReadEnd(int fd) { return {.fd = fd, .kind = IoKind::kReceive}; }
StreamEnd WriteEnd(int fd) { return {.fd = fd, .kind = IoKind::kSend}; }

int ShutDownWrites(int fd) { return ::shutdown(fd, SHUT_WR) == 0 ? 0 : -errno; }

template <class Ask>
std::optional<NetAddress> AskAddress(Ask ask, int fd) {
  sockaddr_storage storage = {};
  socklen_t bytes = sizeof(storage);
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if (ask(fd, address, &bytes) != 0) return std::nullopt;
  return NetAddress::From(address, bytes);
}

int Bind(int fd, const NetAddress& at) {
  return ::bind(fd, at.get(), at.bytes()) == 0 ? 0 : -errno;
}

// A socket of the address' family; negative: -errno.
int OpenStream(const NetAddress& address, const SocketOptions& options, sys::Fd* socket) {
  socket->Reset(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket->valid()) return -errno;
  return ApplySocketOptions(socket->get(), options);
}

int64_t RunConnect(TaskContext& context, int fd, const NetAddress& to, int64_t limit_ns) {
  TimeLimit limit(context, limit_ns);
  for (;;) {
    IoOperation operation{.kind = IoKind::kConnect, .fd = fd, .bytes = to.bytes()};
    operation.address = to.get();
    if (!limit.GiveTo(&operation)) return -ETIME;
    const int64_t result = context.RunIo(operation);
    if (result != -EAGAIN || !to.is_unix()) return result;
    if (context.SleepFor(kFullRetryNs) != WakeReason::kElapsed) return -ECANCELED;
  }
}

}  // namespace

std::optional<NetAddress> LocalAddressOf(int fd) { return AskAddress(&::getsockname, fd); }

int64_t TcpReadHalf::Read(TaskContext& context, std::span<char> buffer, int64_t limit_ns) {
  return ReadSome(context, ReadEnd(fd_->get()), buffer, limit_ns);
}

int64_t TcpReadHalf::ReadExactly(TaskContext& context, std::span<char> buffer, int64_t limit_ns) {
  return ReadFully(context, ReadEnd(fd_->get()), buffer, limit_ns);
}

TcpWriteHalf::~TcpWriteHalf() {
  if (valid()) CloseWrite();
}

TcpWriteHalf& TcpWriteHalf::operator=(TcpWriteHalf&& other) noexcept {
  if (this == &other) return *this;
  if (valid()) CloseWrite();
  fd_ = std::move(other.fd_);
  return *this;
}

int64_t TcpWriteHalf::Write(TaskContext& context, std::string_view bytes, int64_t limit_ns) {
  return WriteFully(context, WriteEnd(fd_->get()), bytes, limit_ns);
}

int TcpWriteHalf::CloseWrite() { return ShutDownWrites(fd_->get()); }

int TcpStream::Connect(TaskContext& context, const NetAddress& to, TcpStream* stream,
                       const ConnectOptions& options) {
  sys::Fd socket;
  if (const int error = OpenStream(to, options.socket, &socket); error != 0) return error;
  if (options.from.has_value()) {
    if (const int error = Bind(socket.get(), *options.from); error != 0) return error;
  }
  const int64_t result = RunConnect(context, socket.get(), to, options.limit_ns);
  if (result < 0) return static_cast<int>(result);
  stream->fd_ = std::move(socket);
  return 0;
}

int64_t TcpStream::Read(TaskContext& context, std::span<char> buffer, int64_t limit_ns) {
  return ReadSome(context, ReadEnd(fd()), buffer, limit_ns);
}

int64_t TcpStream::ReadExactly(TaskContext& context, std::span<char> buffer, int64_t limit_ns) {
  return ReadFully(context, ReadEnd(fd()), buffer, limit_ns);
}

int64_t TcpStream::Write(TaskContext& context, std::string_view bytes, int64_t limit_ns) {
  return WriteFully(context, WriteEnd(fd()), bytes, limit_ns);
}

int64_t TcpStream::WriteSome(TaskContext& context, std::string_view bytes, int64_t limit_ns) {
  return weft::WriteSome(context, WriteEnd(fd()), bytes, limit_ns);
}

int64_t TcpStream::AwaitEvents(TaskContext& context, uint32_t events, int64_t limit_ns) {
  IoOperation operation{.kind = IoKind::kPoll, .fd = fd()};
  operation.events = events;
  operation.time_limit_ns = limit_ns;
  return RunAwaited(context, operation);
}

int TcpStream::CloseWrite() { return ShutDownWrites(fd()); }

TcpHalves TcpStream::Split(TcpStream stream) {
  TcpHalves halves;
  halves.read.fd_ = std::make_shared<sys::Fd>(std::move(stream.fd_));
  halves.write.fd_ = halves.read.fd_;
  return halves;
}

bool TcpStream::Reunite(TcpHalves* halves, TcpStream* stream) {
  if (!halves->read.valid() || halves->read.fd_ != halves->write.fd_) return false;
  stream->fd_ = std::move(*halves->read.fd_);
  halves->read.fd_.reset();
  halves->write.fd_.reset();
  return true;
}

std::optional<NetAddress> TcpStream::LocalAddress() const { return LocalAddressOf(fd()); }

std::optional<NetAddress> TcpStream::PeerAddress() const {
  return AskAddress(&::getpeername, fd());
}

int TcpListener::Listen(const NetAddress& at, TcpListener* listener, const ListenOptions& options) {
  sys::Fd socket;
  if (const int error = OpenStream(at, options.socket, &socket); error != 0) return error;
  if (const int error = Bind(socket.get(), at); error != 0) return error;
  if (::listen(socket.get(), options.backlog) != 0) return -errno;
  listener->fd_ = std::move(socket);
  return 0;
}

int TcpListener::Accept(TaskContext& context, TcpStream* stream, int64_t limit_ns) {
  IoOperation operation{.kind = IoKind::kAccept, .fd = fd()};
  operation.time_limit_ns = limit_ns;
  int64_t result = 0;
  do {
    result = RunAwaited(context, operation);
    // A peer that has given up again is none.
  } while (result == -ECONNABORTED);
  if (result < 0) return static_cast<int>(result);
  *stream = TcpStream(sys::Fd(static_cast<int>(result)));
  return 0;
}

std::optional<NetAddress> TcpListener::LocalAddress() const { return LocalAddressOf(fd()); }

}  // namespace weft
