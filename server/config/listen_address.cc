#include "config/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

// Nullopt when the host is no IP address.
std::optional<bool> IsLoopback(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return std::nullopt;
}

}  // namespace

std::optional<ListenAddress> ParseListenAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  ListenAddress address;
  address.host = std::string(text.substr(0, colon));
  const bool has_brackets =
      address.host.size() >= 2 && address.host.front() == '[' && address.host.back() == ']';
  if (has_brackets) address.host = address.host.substr(1, address.host.size() - 2);
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (has_brackets != (address.host.find(':') != std::string::npos)) return std::nullopt;
  const char* const end = text.data() + text.size();
  const std::from_chars_result port = std::from_chars(text.data() + colon + 1, end, address.port);
  if (port.ec != std::errc() || port.ptr != end) return std::nullopt;
  const std::optional<bool> is_loopback = IsLoopback(address.host);
  if (!is_loopback.has_value()) return std::nullopt;
  address.is_loopback = *is_loopback;
  return address;
}

std::string FormatListenAddress(const ListenAddress& address) {
  const bool is_v6 = address.host.find(':') != std::string::npos;
  return is_v6 ? absl::StrCat("[", address.host, "]:", address.port)
               : absl::StrCat(address.host, ":", address.port);
}

}  // namespace weft
