#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::sys {

// Where a socket is: an IPv4 or IPv6 address with a port, or the path of a unix socket. Plain data.
class NetAddress {
 public:
  // None: of no family.
  NetAddress() = default;

  // "127.0.0.1:80", "[::1]:80", "unix:/run/a.sock"; "unix:@name" is Linux's abstract namespace.
  // Numbers only, so it never blocks; nothing for other text.
  static std::optional<NetAddress> Parse(std::string_view text);
  // "127.0.0.1" or "::1", without brackets.
  static std::optional<NetAddress> ParseIp(std::string_view host, uint16_t port);
  // As the system tells it; nothing for another family.
  static std::optional<NetAddress> From(const sockaddr* address, socklen_t bytes);

  // As Parse reads it; empty for none, "unix:" for a socket without a name.
  std::string Text() const;

  int family() const { return any_.sa_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  // 0 for a path.
  uint16_t port() const;

  const sockaddr* get() const { return &any_; }
  socklen_t bytes() const { return bytes_; }

 private:
  union {
    sockaddr any_ = {};
    sockaddr_in ip4_;
    sockaddr_in6 ip6_;
    sockaddr_un unix_;
  };
  socklen_t bytes_ = 0;
};

// A port as text, "0" to "65535", without sign or leading zeros; nothing for other text.
std::optional<uint16_t> ParsePort(std::string_view text);

}  // namespace weft::sys
