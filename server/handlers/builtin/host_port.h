#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "handlers/options.h"

namespace weft {

// Whom a payload names.
struct HostPort {
  std::string host;  // As in HostPattern: a name in lower case or an IP address, without brackets.
  uint16_t port = 0;

  // "example.com:80", "[::1]:80".
  std::string Text() const;
};

// "HOST:PORT", and "HOST" when there is a default_port other than 0; an IPv6 address in brackets.
// Nullopt for any other text. The host is a name or a number as people write it, never one of the
// old forms of IPv4 ("127.1"), which a lookup would read although no pattern is like them.
std::optional<HostPort> ParseHostPort(std::string_view text, uint16_t default_port = 0);

// Whether one of the patterns is for it.
bool IsAllowed(const HostPort& whom, absl::Span<const HostPattern> allow);

}  // namespace weft
