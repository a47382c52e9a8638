#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

// Durations as people write them. Any thread.
namespace weft::cli {

// Nanoseconds of "10ms", "5us", "1.5s", "250ns", "2m", "1h" or "0". INVALID_ARGUMENT says what is
// right, also for a value that is negative or above 292 years.
[[nodiscard]] absl::StatusOr<int64_t> ParseDuration(const std::string& text);

// The unit in which at most three digits stand before the point: "0 ns", "999 ns", "3.1 µs",
// "12.4 ms", "2.0 s". Negative values keep their sign.
[[nodiscard]] std::string FormatDuration(int64_t ns);

}  // namespace weft::cli
