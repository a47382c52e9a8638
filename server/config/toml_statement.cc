#include "config/toml_statement.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace weft {
namespace {

constexpr size_t kMarkBytes = 3;  // Of a string of many lines.

bool IsKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

bool IsSpaceOrComment(std::string_view text) {
  text = WithoutTomlSpace(text);
  return text.empty() || text[0] == '#';
}

// What a list cannot hold at the beginning of a line: "[section]" or "key =".
bool BeginsStatement(std::string_view line) {
  if (const auto header = TomlHeader(line)) {
    return absl::ascii_isalpha(static_cast<unsigned char>((*header)[0]));
  }
  line = WithoutTomlSpace(line);
  const std::string_view key = TomlKeyAt(line);
  const std::string_view after = WithoutTomlSpace(line.substr(key.size()));
  return !key.empty() && !after.empty() && after[0] == '=';
}

// What is open at the end of the lines of a value.
class OpenParts {
 public:
  void AddLine(std::string_view line);
  bool is_string() const { return !quote_.empty(); }
  std::string missing() const {
    if (is_string()) return quote_;
    return brackets_.empty() ? std::string() : brackets_.substr(brackets_.size() - 1);
  }

 private:
  size_t BeginString(std::string_view line, size_t at);
  size_t SkipString(std::string_view line, size_t at);

  std::string brackets_;  // That close what is open, the innermost last.
  std::string quote_;     // That closes the string.
};

size_t OpenParts::BeginString(std::string_view line, size_t at) {
  const std::string mark(kMarkBytes, line[at]);
  quote_ = line.substr(at).starts_with(mark) ? mark : std::string(1, line[at]);
  return at + quote_.size();
}

// Just behind the string, or the end of the line.
size_t OpenParts::SkipString(std::string_view line, size_t at) {
  while (at < line.size() && !line.substr(at).starts_with(quote_)) {
    at += quote_[0] == '"' && line[at] == '\\' ? 2 : 1;
  }
  if (at >= line.size()) return line.size();
  const char quote = quote_[0];
  at += quote_.size();
  // A string of many lines may hold two quotes before those that close it.
  const size_t most = quote_.size() == kMarkBytes ? at + 2 : at;
  while (at < std::min(most, line.size()) && line[at] == quote) ++at;
  quote_.clear();
  return at;
}

void OpenParts::AddLine(std::string_view line) {
  size_t at = 0;
  while (at < line.size()) {
    const char c = line[at];
    if (is_string()) {
      at = SkipString(line, at);
    } else if (c == '"' || c == '\'') {
      at = BeginString(line, at);
    } else if (c == '#') {
      break;
    } else {
      if (c == '[') brackets_ += ']';
      if (c == '{') brackets_ += '}';
      if ((c == ']' || c == '}') && !brackets_.empty()) brackets_.pop_back();
      ++at;
    }
  }
  if (quote_.size() == 1) quote_.clear();  // It ends with its line.
}

}  // namespace

std::string_view WithoutTomlSpace(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view TomlKeyAt(std::string_view text) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), IsKeyCharacter);
  return text.substr(0, static_cast<size_t>(end - text.begin()));
}

std::optional<std::string> TomlHeader(std::string_view line) {
  const size_t end = line.find(']');
  const std::optional<std::string> name = AnyTomlHeader(line.substr(0, end));
  if (!name.has_value() || end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = WithoutTomlSpace(line.substr(0, end)).substr(1);
  const bool is_whole = WithoutTomlSpace(inside).size() == name->size();
  return is_whole && IsSpaceOrComment(line.substr(end + 1)) ? name : std::nullopt;
}

std::optional<std::string> AnyTomlHeader(std::string_view line) {
  line = WithoutTomlSpace(line);
  if (line.empty() || line[0] != '[') return std::nullopt;
  const std::string_view name = TomlKeyAt(WithoutTomlSpace(line.substr(1)));
  return name.empty() ? std::nullopt : std::optional<std::string>(name);
}

TomlStatement StatementAt(const std::vector<std::string>& lines, size_t begin) {
  const std::string_view first = lines[begin];
  TomlStatement statement{.begin = begin, .end = begin + 1};
  const std::string_view text = WithoutTomlSpace(first);
  const size_t equals = first.find('=');
  if (text.empty() || text[0] == '#' || text[0] == '[' || equals == std::string_view::npos) {
    return statement;
  }
  statement.key = WithoutTomlSpace(first.substr(0, equals));
  const size_t value = first.find_first_not_of(" \t\r", equals + 1);
  statement.value_column = value == std::string_view::npos ? equals : value;
  OpenParts parts;
  parts.AddLine(first.substr(equals + 1));
  while (!parts.missing().empty() && statement.end < lines.size() &&
         (parts.is_string() || !BeginsStatement(lines[statement.end]))) {
    parts.AddLine(lines[statement.end++]);
  }
  statement.missing = parts.missing();
  return statement;
}

}  // namespace weft
