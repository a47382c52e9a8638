#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The lines of a TOML text, told apart by their brackets and quotes alone, whether or not they are
// TOML. Pure functions, any thread.
namespace weft {

// A header, a line without a value, or a key with all the lines of its value.
struct TomlStatement {
  size_t begin = 0;
  size_t end = 0;           // The line behind the last.
  std::string key;          // Empty when it is not of the form KEY = VALUE.
  size_t value_column = 0;  // Of the first line, counted from 0.
  std::string missing;      // What would close the value, as "]"; empty when it is closed.
};

// The statement that begins in this line. A list that is open ends where only the next statement
// can begin; a string of many lines that is open goes on to the end of the text.
TomlStatement StatementAt(const std::vector<std::string>& lines, size_t begin);

// The part at the beginning that a key without quotes can be.
std::string_view TomlKeyAt(std::string_view text);

std::string_view WithoutTomlSpace(std::string_view text);

// The name in a line "[section]".
std::optional<std::string> TomlHeader(std::string_view line);

// The same where the end of the header is not right, as "[section".
std::optional<std::string> AnyTomlHeader(std::string_view line);

}  // namespace weft
