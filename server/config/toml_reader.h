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
  std::vector<Mistake> mistakes;  // By line.
};

// Reads on behind a mistake where that is sound, so that all of them are told at once: a line that
// is no TOML by itself, a key that stands twice and a section that stands twice are left out, the
// rest keeps its places. At any other mistake, or after kMostMistakes, it stops and gives what
// stands before it.
TomlReading ReadToml(std::string_view text);

inline constexpr int kMostMistakes = 50;

}  // namespace weft
