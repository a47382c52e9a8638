#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

namespace weft {

// What a TOML text holds, and where it is no TOML.
struct TomlReading {
  struct Mistake {
    toml::source_position at;  // Line 0: of the whole text.
    std::string key;           // Empty when it is not known.
    std::string what;
  };

  toml::table table;
  std::vector<toml::table> apart;  // Sections that the text cannot hold but that can be examined.
  std::vector<Mistake> mistakes;
};

// Reads on behind a mistake where that is sound, so that all of them are told at once: a line that
// is no TOML by itself, a list that is not closed, a key that stands twice are left out, and a
// section that stands twice or has a broken header is read apart; the rest keeps its places. At any
// other mistake, or after kMostMistakes, it stops and gives what stands before it.
TomlReading ReadToml(std::string_view text);

inline constexpr size_t kMostMistakes = 50;

}  // namespace weft
