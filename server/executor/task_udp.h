#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "executor/socket_options.h"
#include "executor/stream_call.h"
#include "executor/task_context.h"
#include "sys/fd.h"
#include "sys/net_address.h"

namespace weft {

// What came of a datagram.
struct Datagram {
  int64_t bytes = 0;  // In the buffer; negative: -errno.
  std::optional<sys::NetAddress> from;
  bool was_cut = false;  // It was longer than the buffer; the rest is lost.
};

// Datagrams: UDP, and unix sockets where the address is a path. Rules as in task_net.h; a datagram
// is sent, or received, whole or not at all.
class UdpSocket {
 public:
  UdpSocket() = default;  // Not valid.

  // 0: *socket receives at that address. Port 0: any free one, see LocalAddress.
  static int Bind(const sys::NetAddress& at, UdpSocket* socket, const SocketOptions& options = {});
  // From now on sends there, and receives from there only. 0 or -errno; never waits.
  int Connect(const sys::NetAddress& to);

  // The number of bytes. -EMSGSIZE: more than a datagram holds.
  int64_t SendTo(TaskContext& context, std::string_view bytes, const sys::NetAddress& to,
                 int64_t limit_ns = kNoTimeLimit);
  // Needs Connect. -ECONNREFUSED: what was sent before was sent to nobody.
  int64_t Send(TaskContext& context, std::string_view bytes, int64_t limit_ns = kNoTimeLimit);
  Datagram Receive(TaskContext& context, std::span<char> buffer, int64_t limit_ns = kNoTimeLimit);

  std::optional<sys::NetAddress> LocalAddress() const;
  void Close() { fd_.Reset(); }
  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

 private:
  int64_t SendMessage(TaskContext& context, std::string_view bytes, const sys::NetAddress* to,
                      int64_t limit_ns);

  sys::Fd fd_;
};

}  // namespace weft
