#pragma once

#include <string>
#include <string_view>

#include "config/schema.h"

// Values as TOML writes them, on one line. Pure functions, any thread.
namespace weft {

// A basic string, in quotes.
std::string QuoteToml(std::string_view text);

std::string ToToml(const ConfigValue& value);

// The same for people: a secret is hidden, which is still TOML.
std::string ToShownToml(const ConfigRow& row, const ConfigValue& value);

// At most `most` bytes of the text, cut where a character begins, with "..." when it was longer.
std::string Shortened(std::string_view text, size_t most);

}  // namespace weft
