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
  enum class Kind : uint8_t {
    kFlag,
    kInteger,
    kChoice,
    kPath,         // Absolute, or one of the choices; empty for none.
    kAddress,      // "IP:PORT"; empty for none.
    kAddressList,  // The loader takes a single one for a list of one.
    kHostList,     // Patterns of hosts; `most` of them. A single one likewise.
    kCpus,
  };
  Kind kind = Kind::kFlag;
  int64_t least = 0;  // kInteger, inclusive.
  int64_t most = 0;   // kInteger, inclusive; kPath: bytes; kHostList: patterns.
  absl::Span<const std::string_view> choices = {};  // kChoice, kPath.
};

// What a reload does with a value that has changed.
enum class ConfigReload : uint8_t {
  kLive,     // The running daemon takes it over.
  kRestart,  // The next start does; the reload names the key.
};

// All there is to know about one key. Adding a key is adding its row to its section in rows.cc.
struct ConfigRow {
  std::string_view key;   // "section.name"
  std::string_view unit;  // Empty for a number without one.
  ConfigRule rule;
  std::string_view default_toml;  // As it would stand in the file.
  ConfigReload reload = ConfigReload::kRestart;
  std::string_view help;  // One sentence.
  // Puts a value that obeys the rule where it belongs.
  void (*apply)(Config& config, const ConfigValue& value);
  bool is_secret = false;  // Its value is never shown.
};

// All rows, grouped by section, in the order of the reference; they stand in rows.cc.
absl::Span<const ConfigRow> ConfigRows();

// Null when there is no such key.
const ConfigRow* FindConfigRow(std::string_view key);

// True for the first half of any key.
bool IsConfigSection(std::string_view name);

// The place of the name most like this one; names.size() when none is near.
size_t NearestName(std::string_view name, absl::Span<const std::string_view> names);

// The key most like this one; empty when none is near.
std::string_view NearestConfigKey(std::string_view key);

// True when the value is of the kind and in the range that the rule asks for.
bool Obeys(const ConfigRule& rule, const ConfigValue& value);

// What the row takes, as the end of an error: "a whole number from 0 to 10000 (microseconds)".
std::string DescribeExpected(const ConfigRow& row);

}  // namespace weft
