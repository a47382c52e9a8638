#include "client/doctor/report.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace weft::doctor {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kLevelColumns = 9;
constexpr size_t kNameColumns = 15;
constexpr size_t kIndent = kLevelColumns + kNameColumns;

// The µ of a duration is two bytes and one column.
size_t ColumnsOf(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  }));
}

std::string Padded(const std::string& text, size_t columns) {
  const size_t taken = ColumnsOf(text);
  return text + std::string(columns > taken ? columns - taken : 1, ' ');
}

// The text in lines that fit behind `indent` columns; a word that never fits stays whole.
std::string Wrapped(const std::string& text, size_t indent) {
  std::string wrapped;
  size_t column = indent;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    const size_t columns = ColumnsOf(word);
    if (column > indent && column + 1 + columns > kColumns) {
      absl::StrAppend(&wrapped, "\n", std::string(indent, ' '));
      column = indent;
    } else if (column > indent) {
      wrapped += ' ';
      ++column;
    }
    absl::StrAppend(&wrapped, word);
    column += columns;
  }
  return wrapped;
}

// Bold, so that it does not hang on the colour alone.
std::string Coloured(Level level, const std::string& text) {
  const char* const colour = level == Level::kOk        ? "\x1b[32m"
                             : level == Level::kWarning ? "\x1b[1;33m"
                                                        : "\x1b[1;31m";
  return absl::StrCat(colour, text, "\x1b[0m");
}

// A terminal would obey what a peer has put into its answer.
std::string Plain(std::string text) {
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F) letter = ' ';
  }
  return text;
}

// With the quotes around it.
std::string JsonString(const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(value, &json).ok()) return "\"\"";
  return json;
}

ptrdiff_t CountOf(const std::vector<Check>& checks, Level level) {
  return std::count_if(checks.begin(), checks.end(),
                       [level](const Check& check) { return check.level == level; });
}

}  // namespace

const char* LevelName(Level level) {
  switch (level) {
    case Level::kOk:
      return "ok";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      break;
  }
  return "error";
}

void WriteText(const std::vector<Check>& checks, bool has_colour, std::ostream& out) {
  for (const Check& check : checks) {
    const std::string level = Padded(LevelName(check.level), kLevelColumns);
    out << (has_colour ? Coloured(check.level, level) : level) << Padded(check.name, kNameColumns)
        << Wrapped(Plain(check.found), kIndent) << "\n";
    if (check.fix.empty()) continue;
    const std::string mark = "fix: ";
    out << std::string(kIndent, ' ') << mark << Wrapped(Plain(check.fix), kIndent + mark.size())
        << "\n";
  }
  const auto warnings = CountOf(checks, Level::kWarning);
  const auto errors = CountOf(checks, Level::kError);
  out << absl::StreamFormat("%d ok, %d warning%s, %d error%s\n", CountOf(checks, Level::kOk),
                            warnings, warnings == 1 ? "" : "s", errors, errors == 1 ? "" : "s");
}

void WriteJson(const std::vector<Check>& checks, std::ostream& out) {
  out << "[";
  const char* separator = "\n";
  for (const Check& check : checks) {
    out << separator << " {\"name\": " << JsonString(check.name) << ", \"level\": \""
        << LevelName(check.level) << "\",\n  \"found\": " << JsonString(check.found)
        << ",\n  \"fix\": " << JsonString(check.fix) << "}";
    separator = ",\n";
  }
  out << "\n]\n";
}

Level WorstOf(const std::vector<Check>& checks) {
  Level worst = Level::kOk;
  for (const Check& check : checks) worst = std::max(worst, check.level);
  return worst;
}

}  // namespace weft::doctor
