#pragma once

#include <cstdint>
#include <string>

namespace weft::doctor {

// "512 B", "8.0 MiB", "1.5 GiB".
[[nodiscard]] std::string FormatBytes(int64_t bytes);

}  // namespace weft::doctor
