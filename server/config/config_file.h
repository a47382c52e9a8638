#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace weft {

inline constexpr size_t kConfigFileBytesMax = 1024 * 1024;

// The bytes of the file; blocks on it. InvalidArgument names the path and what is wrong: it cannot
// be opened or read, is a folder, is longer than kConfigFileBytesMax, or is no regular file, as a
// pipe, which could make the caller wait without end and would be empty at a reload.
absl::StatusOr<std::string> ReadConfigFile(const std::string& path);

}  // namespace weft
