#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/types/span.h"
#include "config/config.h"

namespace weft {

// A value as TOML can write it, as far as any key needs it. An empty list is of strings.
using ConfigValue =
    std::variant<bool, int64_t, std::string, std::vector<std::string>, std::vector<int64_t>>;

// What values a key takes.
struct ConfigRule {
  enum class Kind : uint8_t { kFlag, kInteger, kChoice, kText, kTextList, kCpus };
  Kind kind = Kind::kText;
  int64_t least = 0;  // kInteger, inclusive.
  int64_t most = 0;
  absl::Span<const std::string_view> choices = {};  // kChoice.
};

// All there is to know about one key. Adding a key is adding its row.
struct ConfigRow {
  std::string_view key;   // "section.name"
  std::string_view unit;  // Empty for a number without one.
  ConfigRule rule;
  std::string_view default_toml;  // As it would stand in the file.
  std::string_view help;          // One sentence.
  // Puts a value that obeys the rule where it belongs.
  void (*apply)(Config& config, const ConfigValue& value);
};

// All rows, grouped by section, in the order of the reference.
absl::Span<const ConfigRow> ConfigRows();

// Null when there is no such key.
const ConfigRow* FindConfigRow(std::string_view key);

// True for the first half of any key.
bool IsConfigSection(std::string_view name);

// The key most like this one; empty when none is near.
std::string_view NearestConfigKey(std::string_view key);

// True when the value is of the kind and in the range that the rule asks for. A single text is
// taken for a list of one.
bool Obeys(const ConfigRule& rule, const ConfigValue& value);

// What the row takes, as the end of an error: "a whole number from 0 to 10000 (microseconds)".
std::string DescribeExpected(const ConfigRow& row);

}  // namespace weft
