#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

// Text in columns of a terminal. A byte that continues a UTF-8 character takes none, such as the
// second one of "µ".
namespace weft::cli {

[[nodiscard]] size_t ColumnsOf(const std::string& text);

// With blanks before it, or after it, up to `width` columns; longer text stays as it is.
[[nodiscard]] std::string PadLeft(const std::string& text, size_t width);
[[nodiscard]] std::string PadRight(const std::string& text, size_t width);

// The first `width` columns.
[[nodiscard]] std::string CutTo(const std::string& text, size_t width);

// "1,234,567".
[[nodiscard]] std::string Grouped(uint64_t number);

// "1.2 MiB".
[[nodiscard]] std::string FormatBytes(uint64_t bytes);

}  // namespace weft::cli
