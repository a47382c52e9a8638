#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

// Where a listener stands, as the configuration writes it: "127.0.0.1:7411" or "[::1]:7411".
struct ListenAddress {
  std::string host;   // An IP address, without brackets.
  uint16_t port = 0;  // 0: any free one.
  bool is_loopback = false;
};

// Nullopt for any other text. Names are refused but localhost, which is 127.0.0.1: what a name
// means can change behind the daemon's back.
std::optional<ListenAddress> ParseListenAddress(std::string_view text);

// As the configuration writes it.
std::string FormatListenAddress(const ListenAddress& address);

}  // namespace weft
