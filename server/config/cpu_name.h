#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "sys/options.h"

namespace weft {

// The highest number of a CPU, package or node, and the last place, that can be named.
inline constexpr uint32_t kHighestCpuNumber = 4095;

// One entry of executor.cores that is a string: "3", "p1", "n0", "p1:3", "n0:2". Nullopt: it is
// none, or a number is above kHighestCpuNumber.
std::optional<CpuName> ParseCpuName(std::string_view text);

}  // namespace weft
