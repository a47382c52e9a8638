#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

// The level a task waits in. Lower values start first.
enum class Priority : uint8_t { kHigh = 0, kNormal = 1, kLow = 2 };

inline constexpr size_t kPriorityCount = 3;

// "high", "normal" or "low": the words used in metrics, logs and the CLI.
constexpr std::string_view PriorityName(Priority priority) {
  constexpr std::string_view kNames[kPriorityCount] = {"high", "normal", "low"};
  return kNames[static_cast<size_t>(priority)];
}

}  // namespace weft
