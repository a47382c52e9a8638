#pragma once

#include <optional>
#include <string_view>

#include "handlers/options.h"

namespace weft {

// Whom a task may talk to, as the configuration writes it: "example.com", "*.example.com:80",
// "127.0.0.1", "[::1]:8080". Nullopt for any other text.
std::optional<HostPattern> ParseHostPattern(std::string_view text);

}  // namespace weft
