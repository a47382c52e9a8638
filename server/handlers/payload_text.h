#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace weft {

// Reads a span of time as payloads write it: a whole number and its unit without a space between,
// "500ns", "250us", "10ms" or "3s"; 0 to kMaxTimeoutNs. The result is in nanoseconds.
// InvalidArgument shows the text, cut when it is long, and tells what is expected.
absl::StatusOr<int64_t> ParseDurationNs(std::string_view text);

// The text in quotes as it is put into a message: cut to a few dozen characters, bytes that are not
// printable ASCII escaped.
std::string QuoteForMessage(std::string_view text);

}  // namespace weft
