#include "config/toml_depth.h"

namespace weft {

std::optional<size_t> FindDeepName(std::string_view line) {
  size_t begin = 0;
  size_t parts = 1;
  char quote = '\0';
  for (size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quote != '\0') {
      if (c == '\\' && quote == '"') ++at;
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      return std::nullopt;
    } else if (c == '=' || c == ',' || c == '[' || c == ']' || c == '{' || c == '}') {
      begin = at + 1;
      parts = 1;
    } else if (c == '.' && ++parts > kMostNameParts) {
      return begin;
    }
  }
  return std::nullopt;
}

}  // namespace weft
