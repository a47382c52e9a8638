#include "sys/net_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weft::sys {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr size_t kPathAt = offsetof(sockaddr_un, sun_path);

}  // namespace

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return port;
}

std::optional<NetAddress> NetAddress::ParseIp(std::string_view host, uint16_t port) {
  // inet_pton reads up to a NUL.
  std::array<char, INET6_ADDRSTRLEN> text = {};
  if (host.size() >= text.size() || host.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::ranges::copy(host, text.begin());
  NetAddress address;
  if (in_addr ip4 = {}; inet_pton(AF_INET, text.data(), &ip4) == 1) {
    address.ip4_ = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = ip4, .sin_zero = {}};
    address.bytes_ = sizeof(sockaddr_in);
    return address;
  }
  if (in6_addr ip6 = {}; inet_pton(AF_INET6, text.data(), &ip6) == 1) {
    address.ip6_ = {.sin6_family = AF_INET6,
                    .sin6_port = htons(port),
                    .sin6_flowinfo = 0,
                    .sin6_addr = ip6,
                    .sin6_scope_id = 0};
    address.bytes_ = sizeof(sockaddr_in6);
    return address;
  }
  return std::nullopt;
}

std::optional<NetAddress> NetAddress::Parse(std::string_view text) {
  if (text.starts_with(kUnix)) {
    const std::string_view path = text.substr(kUnix.size());
    // One byte less than there is room for: a path ends with a NUL.
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) return std::nullopt;
    if (path.find('\0') != std::string_view::npos) return std::nullopt;
    NetAddress address;
    address.unix_ = {.sun_family = AF_UNIX, .sun_path = {}};
    std::ranges::copy(path, address.unix_.sun_path);
    const bool is_abstract = path.front() == '@';
    if (is_abstract) address.unix_.sun_path[0] = '\0';
    address.bytes_ = static_cast<socklen_t>(kPathAt + path.size() + (is_abstract ? 0 : 1));
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port.has_value()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool has_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (has_brackets) host = host.substr(1, host.size() - 2);
  const std::optional<NetAddress> address = ParseIp(host, *port);
  if (address.has_value() && (address->family() == AF_INET6) != has_brackets) return std::nullopt;
  return address;
}

std::optional<NetAddress> NetAddress::From(const sockaddr* given, socklen_t bytes) {
  NetAddress address;
  size_t most = 0;
  if (bytes < sizeof(sa_family_t)) return std::nullopt;
  if (given->sa_family == AF_INET) most = sizeof(sockaddr_in);
  if (given->sa_family == AF_INET6) most = sizeof(sockaddr_in6);
  if (given->sa_family == AF_UNIX) most = sizeof(sockaddr_un);
  if (most == 0 || bytes > most) return std::nullopt;
  if (given->sa_family != AF_UNIX && bytes < most) return std::nullopt;
  address.unix_ = {};
  std::memcpy(&address.unix_, given, bytes);
  address.bytes_ = bytes;
  return address;
}

uint16_t NetAddress::port() const {
  if (family() == AF_INET) return ntohs(ip4_.sin_port);
  return family() == AF_INET6 ? ntohs(ip6_.sin6_port) : uint16_t{0};
}

std::string NetAddress::Text() const {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  switch (family()) {
    case AF_INET:
      inet_ntop(AF_INET, &ip4_.sin_addr, text.data(), text.size());
      return absl::StrCat(text.data(), ":", port());
    case AF_INET6:
      inet_ntop(AF_INET6, &ip6_.sin6_addr, text.data(), text.size());
      return absl::StrCat("[", text.data(), "]:", port());
    case AF_UNIX: {
      std::string path(unix_.sun_path, std::max<size_t>(bytes_, kPathAt) - kPathAt);
      if (!path.empty() && path.front() == '\0') {
        path.front() = '@';
      } else {
        path.resize(std::min(path.size(), path.find('\0')));
      }
      return absl::StrCat(std::string(kUnix), path);
    }
    default:
      return "";
  }
}

}  // namespace weft::sys
