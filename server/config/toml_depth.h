#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace weft {

// Parts that a dotted name may have: far more than any key of ours. toml++ goes down one call a
// part, so a name of twenty thousand overflows the stack.
inline constexpr size_t kMostNameParts = 64;

// Where the first name of a line begins that has more parts, in a header, a key or an inline table.
// Pure.
std::optional<size_t> FindDeepName(std::string_view line);

}  // namespace weft
