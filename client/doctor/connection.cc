#include "client/doctor/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weft::doctor {
namespace {

constexpr char kUnixPrefix[] = "unix:";
constexpr size_t kAnswerBytesMax = size_t{4} << 20U;
constexpr size_t kReadBytes = size_t{64} << 10U;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

absl::Status FromErrno(int error, bool is_file) {
  switch (error) {
    case ENOENT:
      return absl::NotFoundError("no such file");
    case ECONNREFUSED:
      return is_file ? absl::FailedPreconditionError("nothing listens on it")
                     : absl::NotFoundError("nothing listens");
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError("permission denied");
    default:
      return absl::UnavailableError(std::strerror(error));
  }
}

// False when `until_ns` came first.
bool Await(int fd, int events, int64_t until_ns) {
  const int64_t left_ms = (until_ns - NowNs()) / 1'000'000 + 1;
  pollfd waiting{fd, static_cast<short>(events), 0};
  return left_ms > 0 && poll(&waiting, 1, static_cast<int>(left_ms)) > 0;
}

absl::StatusOr<Socket> ConnectTo(const sockaddr* address, socklen_t bytes, int64_t until_ns) {
  const bool is_file = address->sa_family == AF_UNIX;
  Socket socket(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return FromErrno(errno, is_file);
  if (connect(socket.fd(), address, bytes) == 0) return socket;
  // A listener whose backlog is full answers EAGAIN on a unix socket.
  if (errno != EINPROGRESS) return FromErrno(errno, is_file);
  if (!Await(socket.fd(), POLLOUT, until_ns)) {
    return absl::UnavailableError("neither accepted nor refused");
  }
  int error = 0;
  socklen_t error_bytes = sizeof error;
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &error_bytes);
  if (error != 0) return FromErrno(error, is_file);
  return socket;
}

absl::StatusOr<Socket> ConnectToFile(const std::string& path, int64_t until_ns) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return absl::NotFoundError("the path is too long");
  std::copy(path.begin(), path.end(), address.sun_path);
  return ConnectTo(reinterpret_cast<const sockaddr*>(&address), sizeof address, until_ns);
}

absl::StatusOr<Socket> ConnectToHost(const std::string& target, int64_t until_ns) {
  const size_t colon = target.rfind(':');
  if (colon == std::string::npos) return absl::UnavailableError("no host:port");
  std::string host = target.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), target.c_str() + colon + 1, &hints, &list);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  absl::StatusOr<Socket> last = absl::UnavailableError("the name has no address");
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    last = ConnectTo(entry->ai_addr, entry->ai_addrlen, until_ns);
    if (last.ok()) break;
  }
  return last;
}

absl::StatusOr<Socket> Connect(const std::string& target, int64_t until_ns) {
  if (absl::StartsWith(target, kUnixPrefix)) {
    return ConnectToFile(target.substr(sizeof kUnixPrefix - 1), until_ns);
  }
  return ConnectToHost(target, until_ns);
}

}  // namespace

int PortOf(const std::string& address) {
  int port = 0;
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port)) return 0;
  return port;
}

absl::Status TryConnect(const std::string& target, int64_t time_max_ns) {
  return Connect(target, NowNs() + time_max_ns).status();
}

absl::StatusOr<std::string> HttpGet(const std::string& address, const std::string& path,
                                    int64_t time_max_ns) {
  const int64_t until_ns = NowNs() + time_max_ns;
  absl::StatusOr<Socket> socket = Connect(address, until_ns);
  if (!socket.ok()) return socket.status();
  const std::string request =
      absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: ", address, "\r\nConnection: close\r\n\r\n");
  if (send(socket->fd(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return absl::UnavailableError("the connection was closed");
  }
  std::string answer;
  while (answer.size() < kAnswerBytesMax) {
    if (!Await(socket->fd(), POLLIN, until_ns)) {
      return absl::DeadlineExceededError("no whole answer in time");
    }
    const size_t before = answer.size();
    answer.resize(before + kReadBytes);
    const ssize_t got = recv(socket->fd(), answer.data() + before, kReadBytes, 0);
    answer.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) break;
  }
  return answer;
}

}  // namespace weft::doctor
