#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "executor/socket_options.h"
#include "executor/stream_call.h"
#include "executor/task_context.h"
#include "sys/fd.h"
#include "sys/net_address.h"

namespace weft {

// Stream sockets for handlers that may suspend: TCP, and unix sockets where the address is a path.
// What takes a TaskContext suspends the task until it is done, or until limit_ns has passed
// (-ETIME), or the task was asked to stop (-ECANCELED, upon which it returns Stop()); the rest
// returns at once. Results are not negative, or -errno. SIGPIPE is never raised: a write to a peer
// that is gone answers -EPIPE or -ECONNRESET.
//
// A socket is of no task: it may be handed to another one, on any core, while no call on it is
// under way. It is closed when its object goes, on whatever path, and that never blocks. How many
// there are is bounded by the limit of open files alone: whoever opens one asks for a permit first
// where that matters (handlers/builtin/file_permits.h).

// The reading half of a stream. Of one task at a time.
class TcpReadHalf {
 public:
  TcpReadHalf() = default;
  TcpReadHalf(TcpReadHalf&&) noexcept = default;
  TcpReadHalf& operator=(TcpReadHalf&&) noexcept = default;

  // As those of TcpStream.
  int64_t Read(TaskContext& context, std::span<char> buffer, int64_t limit_ns = kNoTimeLimit);
  int64_t ReadExactly(TaskContext& context, std::span<char> buffer,
                      int64_t limit_ns = kNoTimeLimit);
  bool valid() const { return fd_ != nullptr; }

 private:
  friend class TcpStream;
  std::shared_ptr<sys::Fd> fd_;
};

// The writing half. Of one task at a time. When it goes without having been reunited, the peer sees
// the end of the stream, though the other half may still be read.
class TcpWriteHalf {
 public:
  TcpWriteHalf() = default;
  ~TcpWriteHalf();
  TcpWriteHalf(TcpWriteHalf&&) noexcept = default;
  TcpWriteHalf& operator=(TcpWriteHalf&& other) noexcept;

  // As those of TcpStream.
  int64_t Write(TaskContext& context, std::string_view bytes, int64_t limit_ns = kNoTimeLimit);
  int CloseWrite();
  bool valid() const { return fd_ != nullptr; }

 private:
  friend class TcpStream;
  std::shared_ptr<sys::Fd> fd_;
};

struct TcpHalves {
  TcpReadHalf read;
  TcpWriteHalf write;
};

struct ConnectOptions {
  int64_t limit_ns = kNoTimeLimit;
  SocketOptions socket;
  std::optional<sys::NetAddress> from;  // Where it is bound to first.
};

// A connection. Two tasks may use it at once only as its two halves.
class TcpStream {
 public:
  TcpStream() = default;  // Not valid.
  // fd: a connected, non-blocking stream socket.
  explicit TcpStream(sys::Fd fd) : fd_(std::move(fd)) {}

  // 0: *stream is connected. -ECONNREFUSED, -ENETUNREACH, -ETIMEDOUT (by the system) and so on.
  static int Connect(TaskContext& context, const sys::NetAddress& to, TcpStream* stream,
                     const ConnectOptions& options = {});

  // What there is, at least a byte; 0: the peer writes no more.
  int64_t Read(TaskContext& context, std::span<char> buffer, int64_t limit_ns = kNoTimeLimit);
  // Fills the buffer unless the stream ends before; how many bytes were read. After an error, what
  // was read is lost.
  int64_t ReadExactly(TaskContext& context, std::span<char> buffer,
                      int64_t limit_ns = kNoTimeLimit);
  // Writes all of it; the number of bytes. After an error a part may have been written.
  int64_t Write(TaskContext& context, std::string_view bytes, int64_t limit_ns = kNoTimeLimit);
  // Writes what the system takes, at least a byte; the number of bytes.
  int64_t WriteSome(TaskContext& context, std::string_view bytes, int64_t limit_ns = kNoTimeLimit);
  // Until one of those events of poll(2) holds, such as POLLIN; which do, with POLLERR and POLLHUP.
  int64_t AwaitEvents(TaskContext& context, uint32_t events, int64_t limit_ns = kNoTimeLimit);
  // Half-closes: the peer sees the end of the stream, and may go on writing. 0 or -errno.
  int CloseWrite();

  // Gives the stream up.
  static TcpHalves Split(TcpStream stream);
  // True: *stream is what the two were halves of. False, and all stay as they are: they are not of
  // one stream.
  static bool Reunite(TcpHalves* halves, TcpStream* stream);

  // 0 or -errno.
  int Apply(const SocketOptions& options) { return ApplySocketOptions(fd_.get(), options); }
  // Nothing when the system does not tell, as of a peer that is gone.
  std::optional<sys::NetAddress> LocalAddress() const;
  std::optional<sys::NetAddress> PeerAddress() const;
  void Close() { fd_.Reset(); }
  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

 private:
  sys::Fd fd_;
};

struct ListenOptions {
  int backlog = 128;  // Connections that wait to be accepted; net.core.somaxconn at most.
  // Of the listener; connections inherit most. Without reuse_address the port of one that has just
  // ended is taken for a minute.
  SocketOptions socket = SocketOptions::ReusingAddress();
};

// Takes connections. Several tasks may accept at once: each connection goes to one of them.
class TcpListener {
 public:
  TcpListener() = default;  // Not valid.

  // 0: *listener listens. Port 0: any free one, see LocalAddress. A unix socket's path must not be
  // there yet, and stays when the listener goes.
  static int Listen(const sys::NetAddress& at, TcpListener* listener,
                    const ListenOptions& options = {});

  // The next connection, however long that takes. -EMFILE, -ENFILE: no descriptor is left, and the
  // connection still waits.
  int Accept(TaskContext& context, TcpStream* stream, int64_t limit_ns = kNoTimeLimit);

  std::optional<sys::NetAddress> LocalAddress() const;
  void Close() { fd_.Reset(); }
  bool valid() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

 private:
  sys::Fd fd_;
};

// Of any socket; nothing when the system does not tell.
std::optional<sys::NetAddress> LocalAddressOf(int fd);

}  // namespace weft
