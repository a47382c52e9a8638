#include "executor/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace weft {
namespace {

// Sets what is asked for until something is refused.
class Setter {
 public:
  explicit Setter(int fd) : fd_(fd) {}

  template <class Value>
  void Set(int level, int name, const std::optional<Value>& value) {
    if (value.has_value()) SetRaw(level, name, static_cast<int>(*value));
  }
  template <class Value>
  void SetRaw(int level, int name, const Value& value) {
    if (error_ == 0 && ::setsockopt(fd_, level, name, &value, sizeof(value)) != 0) error_ = -errno;
  }
  int error() const { return error_; }

 private:
  const int fd_;
  int error_ = 0;
};

int FamilyOf(int fd) {
  int family = AF_UNSPEC;
  socklen_t bytes = sizeof(family);
  ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &bytes);
  return family;
}

}  // namespace

int ApplySocketOptions(int fd, const SocketOptions& options) {
  Setter setter(fd);
  setter.Set(IPPROTO_TCP, TCP_NODELAY, options.no_delay);
  setter.Set(SOL_SOCKET, SO_KEEPALIVE, options.keep_alive);
  setter.Set(IPPROTO_TCP, TCP_KEEPIDLE, options.keep_alive_idle_s);
  setter.Set(IPPROTO_TCP, TCP_KEEPINTVL, options.keep_alive_interval_s);
  setter.Set(IPPROTO_TCP, TCP_KEEPCNT, options.keep_alive_probes);
  setter.Set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
  setter.Set(SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
  setter.Set(SOL_SOCKET, SO_REUSEADDR, options.reuse_address);
  setter.Set(SOL_SOCKET, SO_REUSEPORT, options.reuse_port);
  if (options.reset_on_close.has_value()) {
    const linger how = {.l_onoff = *options.reset_on_close ? 1 : 0, .l_linger = 0};
    setter.SetRaw(SOL_SOCKET, SO_LINGER, how);
  }
  if (options.hop_limit.has_value()) {
    const bool is_ip6 = FamilyOf(fd) == AF_INET6;
    setter.Set(is_ip6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, is_ip6 ? IPV6_UNICAST_HOPS : IP_TTL,
               options.hop_limit);
  }
  return setter.error();
}

SocketBuffers ReadSocketBuffers(int fd) {
  SocketBuffers buffers;
  socklen_t bytes = sizeof(int);
  if (::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffers.receive_bytes, &bytes) != 0 ||
      ::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffers.send_bytes, &bytes) != 0) {
    buffers.error = -errno;
  }
  return buffers;
}

}  // namespace weft
