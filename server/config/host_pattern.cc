#include "config/host_pattern.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <system_error>

namespace weft {
namespace {

constexpr size_t kMostNameBytes = 253;
constexpr std::string_view kAnyBelow = "*.";

// Takes ":PORT" from the end of the text; false when that is no port.
bool TakePort(std::string_view* text, uint16_t* port) {
  const size_t colon = text->rfind(':');
  if (colon == std::string_view::npos || text->back() == ']') return true;
  const std::string_view digits = text->substr(colon + 1);
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, *port);
  text->remove_suffix(text->size() - colon);
  return error == std::errc() && stop == end && *port != 0;
}

// As inet_ntop writes it; empty when it is none of that family.
std::string ReadIp(int family, const std::string& text) {
  std::array<char, sizeof(in6_addr)> address = {};
  std::array<char, INET6_ADDRSTRLEN> written = {};
  if (inet_pton(family, text.c_str(), address.data()) != 1) return "";
  return inet_ntop(family, address.data(), written.data(), written.size());
}

bool IsName(std::string_view name) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kMostNameBytes && name.front() != '.' &&
         name.back() != '.' && name.find("..") == std::string_view::npos &&
         std::ranges::all_of(name, is_part);
}

}  // namespace

std::optional<HostPattern> ParseHostPattern(std::string_view text) {
  HostPattern pattern;
  if (text.empty() || text.find('\0') != std::string_view::npos) return std::nullopt;
  if (!TakePort(&text, &pattern.port)) return std::nullopt;
  if (text.starts_with('[') && text.ends_with(']')) {
    pattern.host = ReadIp(AF_INET6, std::string(text.substr(1, text.size() - 2)));
    return pattern.host.empty() ? std::nullopt : std::optional(pattern);
  }
  pattern.host = text;
  std::ranges::transform(pattern.host, pattern.host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::string_view host = pattern.host;
  if (!IsName(host.starts_with(kAnyBelow) ? host.substr(kAnyBelow.size()) : host)) {
    return std::nullopt;
  }
  return pattern;
}

}  // namespace weft
