#include "sys/awaited_call.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace weft::sys {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

int64_t MonotonicNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}

// What holds of `events` now: 0 for nothing, or -errno.
int64_t PollNow(int fd, uint32_t events) {
  pollfd asked = {.fd = fd, .events = static_cast<short>(events)};
  if (::poll(&asked, 1, 0) < 0) return errno == EINTR ? 0 : -int64_t{errno};
  if ((asked.revents & POLLNVAL) != 0) return -EBADF;
  return asked.revents;
}

// A connection is asked for once; afterwards the socket tells how that went.
std::optional<int64_t> TryConnect(IoOperation& operation) {
  if (!operation.has_begun) {
    if (::connect(operation.fd, operation.address, operation.bytes) == 0) return 0;
    if (errno != EINPROGRESS && errno != EINTR) return -int64_t{errno};
    operation.has_begun = true;
    return std::nullopt;
  }
  const int64_t events = PollNow(operation.fd, POLLOUT);
  if (events == 0) return std::nullopt;
  if (events < 0) return events;
  int error = 0;
  socklen_t bytes = sizeof(error);
  if (::getsockopt(operation.fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) {
    return -int64_t{errno};
  }
  return -int64_t{error};
}

int64_t Call(const IoOperation& operation) {
  const int fd = operation.fd;
  switch (operation.kind) {
    case IoKind::kAccept:
      return ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    case IoKind::kReceive:
      return ::recv(fd, operation.data, operation.bytes, MSG_DONTWAIT);
    case IoKind::kSend:
      return ::send(fd, operation.data, operation.bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    case IoKind::kReceiveMessage:
      return ::recvmsg(fd, operation.message, MSG_DONTWAIT);
    case IoKind::kSendMessage:
      return ::sendmsg(fd, operation.message, MSG_DONTWAIT | MSG_NOSIGNAL);
    case IoKind::kStreamRead:
      return ::read(fd, operation.data, operation.bytes);
    case IoKind::kStreamWrite:
      return ::write(fd, operation.data, operation.bytes);
    default:
      errno = EINVAL;
      return -1;
  }
}

}  // namespace

uint32_t EventsOf(const IoOperation& operation) {
  switch (operation.kind) {
    case IoKind::kAccept:
    case IoKind::kReceive:
    case IoKind::kReceiveMessage:
    case IoKind::kStreamRead:
      return POLLIN;
    case IoKind::kPoll:
      return operation.events;
    default:
      return POLLOUT;
  }
}

std::optional<int64_t> TryAwaited(IoOperation& operation) {
  if (operation.kind == IoKind::kConnect) return TryConnect(operation);
  if (operation.kind == IoKind::kPoll) {
    const int64_t events = PollNow(operation.fd, operation.events);
    return events == 0 ? std::nullopt : std::optional(events);
  }
  int64_t result = 0;
  do {
    result = Call(operation);
  } while (result < 0 && errno == EINTR);
  if (result >= 0) return result;
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::nullopt;
  return -int64_t{errno};
}

int64_t AwaitOnThread(IoOperation& operation, const StopQuestion& stop) {
  const int64_t limit_ns = operation.runs_to_end ? 0 : operation.time_limit_ns;
  const int64_t began_ns = limit_ns != 0 ? MonotonicNs() : 0;
  for (;;) {
    if (const std::optional<int64_t> result = TryAwaited(operation)) return *result;
    if (!operation.runs_to_end && stop.ask != nullptr && stop.ask(stop.argument)) {
      return -ECANCELED;
    }
    int64_t wait_ns = kStopLookNs;
    if (limit_ns != 0) wait_ns = std::min(wait_ns, limit_ns - (MonotonicNs() - began_ns));
    if (wait_ns <= 0) return -ETIME;
    pollfd asked = {.fd = operation.fd, .events = static_cast<short>(EventsOf(operation))};
    const timespec wait = {.tv_sec = 0, .tv_nsec = wait_ns};
    ::ppoll(&asked, 1, &wait, nullptr);
  }
}

}  // namespace weft::sys
