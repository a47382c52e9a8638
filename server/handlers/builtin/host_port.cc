#include "handlers/builtin/host_port.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "sys/net_address.h"

namespace weft {
namespace {

constexpr size_t kMostNameBytes = 253;
constexpr std::string_view kAnyBelow = "*.";

bool IsName(std::string_view name) {
  const auto is_part = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  if (name.empty() || name.size() > kMostNameBytes || name.front() == '.') return false;
  if (name.find("..") != std::string_view::npos || !std::ranges::all_of(name, is_part)) {
    return false;
  }
  // A last part of digits, or of hexadecimal ones, is an address or nothing.
  const std::string_view whole = name.substr(0, name.size() - (name.back() == '.' ? 1 : 0));
  const std::string_view last = whole.substr(whole.rfind('.') + 1);
  const bool is_number = std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
  return !is_number && !last.starts_with("0x") && !last.starts_with("0X");
}

// As in HostPattern; empty when it is no host.
std::string ReadHost(std::string_view text) {
  const bool has_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (has_brackets) text = text.substr(1, text.size() - 2);
  if (const auto address = sys::NetAddress::ParseIp(text, 0)) {
    const bool is_ip6 = address->family() == AF_INET6;
    if (is_ip6 != has_brackets) return "";
    std::string written = address->Text();  // With ":0".
    written.resize(written.size() - 2);
    return is_ip6 ? written.substr(1, written.size() - 2) : written;
  }
  if (has_brackets || !IsName(text)) return "";
  // The dot that says that a name is whole.
  if (text.back() == '.') text.remove_suffix(1);
  std::string name(text);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); });
  return name;
}

bool IsFor(const HostPattern& pattern, const HostPort& whom) {
  if (pattern.port != 0 && pattern.port != whom.port) return false;
  const std::string_view host = pattern.host;
  if (!host.starts_with(kAnyBelow)) return host == whom.host;
  const std::string_view end = host.substr(1);
  return whom.host.size() > end.size() && whom.host.ends_with(end);
}

}  // namespace

std::string HostPort::Text() const {
  const bool is_ip6 = host.find(':') != std::string::npos;
  return is_ip6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

std::optional<HostPort> ParseHostPort(std::string_view text, uint16_t default_port) {
  HostPort result = {.port = default_port};
  const size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && text.back() != ']';
  if (has_port) {
    const std::optional<uint16_t> port = sys::ParsePort(text.substr(colon + 1));
    if (!port.has_value()) return std::nullopt;
    result.port = *port;
    text = text.substr(0, colon);
  }
  result.host = ReadHost(text);
  if (result.host.empty() || result.port == 0) return std::nullopt;
  return result;
}

bool IsAllowed(const HostPort& whom, absl::Span<const HostPattern> allow) {
  return std::ranges::any_of(allow,
                             [&whom](const HostPattern& pattern) { return IsFor(pattern, whom); });
}

}  // namespace weft
