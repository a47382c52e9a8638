#include "config/toml_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "config/toml_text.h"

namespace weft {
namespace {

constexpr size_t kShownBytes = 80;
constexpr size_t kMostLinesOfValue = 100;

bool IsKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

std::string_view KeyAt(std::string_view text) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), IsKeyCharacter);
  return text.substr(0, static_cast<size_t>(end - text.begin()));
}

std::string_view WithoutSpace(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The name of a line "[section]".
std::optional<std::string> HeaderName(std::string_view line) {
  line = WithoutSpace(line);
  if (line.empty() || line[0] != '[') return std::nullopt;
  const std::string_view inside = WithoutSpace(line.substr(1, line.find(']') - 1));
  const std::string_view name = KeyAt(inside);
  const bool is_header = line.find(']') != std::string_view::npos && !name.empty() &&
                         name.size() == inside.size() && line.find('=') == std::string_view::npos;
  return is_header ? std::optional<std::string>(name) : std::nullopt;
}

// A line "key = word", where the word is a string without its quotes.
struct BareWord {
  std::string key;
  std::string word;
  size_t column = 0;
};

std::optional<BareWord> FindBareWord(std::string_view line) {
  const std::string_view before = WithoutSpace(line.substr(0, line.find('=')));
  const std::string_view key = KeyAt(before);
  if (line.find('=') == std::string_view::npos || key.empty() || key.size() != before.size()) {
    return std::nullopt;
  }
  const std::string_view after = line.substr(line.find('=') + 1);
  const std::string_view word = WithoutSpace(after.substr(0, after.find('#')));
  if (word.empty() || word.find_first_of("\"'") != std::string_view::npos) return std::nullopt;
  const bool is_word = absl::ascii_isalpha(static_cast<unsigned char>(word[0])) || word[0] == '/';
  if (!is_word) return std::nullopt;
  return BareWord{std::string(key), std::string(word),
                  static_cast<size_t>(word.data() - line.data())};
}

// The name in what toml++ says of a key or a section that stands twice.
std::optional<std::string> TwiceName(std::string_view description) {
  const size_t said = description.find("cannot redefine existing ");
  if (said == std::string_view::npos) return std::nullopt;
  const size_t begin = description.find('\'', said);
  const size_t end = description.rfind('\'');
  if (begin == std::string_view::npos || begin >= end) return std::nullopt;
  return std::string(description.substr(begin + 1, end - begin - 1));
}

bool IsToml(const std::string& text) {
  try {
    (void)toml::parse(text);
    return true;
  } catch (const toml::parse_error&) {
    return false;
  }
}

// One text on its way to being read.
class Reading {
 public:
  explicit Reading(std::string_view text)
      : lines_(absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {}

  TomlReading Read();

 private:
  std::string Text(size_t end) const {
    return absl::StrJoin(lines_.begin(), lines_.begin() + static_cast<ptrdiff_t>(end), "\n");
  }
  // True when reading may go on.
  bool LeaveOut(const toml::parse_error& error);
  void LeaveOutSecond(const std::string& name, size_t line);
  void LeaveOutSecondSection(const std::string& name, size_t line);
  void LeaveOutSection(size_t line);
  void AddMistake(size_t line, size_t column, std::string key, std::string what);
  std::string SectionOf(size_t line) const;
  uint32_t FirstLineOf(const std::string& key, size_t end) const;

  std::vector<std::string> lines_;
  TomlReading out_;
};

void Reading::AddMistake(size_t line, size_t column, std::string key, std::string what) {
  out_.mistakes.push_back({{static_cast<uint32_t>(line + 1), static_cast<uint32_t>(column + 1)},
                           std::move(key),
                           std::move(what)});
}

// "section." of a line, or nothing above the first section.
std::string Reading::SectionOf(size_t line) const {
  for (size_t at = line + 1; at-- > 0;) {
    if (const auto name = HeaderName(lines_[at])) return *name + ".";
  }
  return "";
}

// 0 when the key does not stand above the line.
uint32_t Reading::FirstLineOf(const std::string& key, size_t end) const {
  try {
    const toml::table above = toml::parse(Text(end));
    const toml::node* const node = above.at_path(key).node();
    return node == nullptr ? 0 : node->source().begin.line;
  } catch (const toml::parse_error&) {
    return 0;
  }
}

void Reading::LeaveOutSection(size_t line) {
  do {
    lines_[line++].clear();
  } while (line < lines_.size() && !HeaderName(lines_[line]).has_value());
}

void Reading::LeaveOutSecondSection(const std::string& name, size_t line) {
  const uint32_t first = FirstLineOf(name, line);
  const std::string where = first == 0 ? "above" : absl::StrCat("in line ", first);
  AddMistake(line, lines_[line].find('['), name,
             absl::StrCat("the section stands twice, first ", where,
                          ", expected once, with all its keys below it"));
  LeaveOutSection(line);
}

// The second value may take several lines: as many as make it TOML by itself.
void Reading::LeaveOutSecond(const std::string& name, size_t line) {
  const std::string key = SectionOf(line) + name;
  const uint32_t first = FirstLineOf(key, line);
  const std::string where = first == 0 ? "" : absl::StrCat(", first in line ", first);
  const size_t column = lines_[line].find_first_not_of(" \t");
  AddMistake(line, column == std::string::npos ? 0 : column, key,
             absl::StrCat("stands twice", where, ", expected once"));
  std::string value = lines_[line];
  size_t last = line;
  while (!IsToml(value) && last + 1 < lines_.size() && last - line < kMostLinesOfValue) {
    absl::StrAppend(&value, "\n", lines_[++last]);
  }
  for (size_t at = line; at <= last; ++at) lines_[at].clear();
}

bool Reading::LeaveOut(const toml::parse_error& error) {
  const toml::source_position at = error.source().begin;
  const size_t line = std::min<size_t>(at.line == 0 ? 0 : at.line - 1, lines_.size() - 1);
  const std::string description(error.description());
  if (const auto name = TwiceName(description)) {
    if (HeaderName(lines_[line]).has_value()) {
      LeaveOutSecondSection(*name, line);
    } else {
      LeaveOutSecond(*name, line);
    }
    return true;
  }
  const bool is_cause = !IsToml(lines_[line]);
  const std::optional<BareWord> bare = FindBareWord(lines_[line]);
  if (is_cause && bare.has_value()) {
    const std::string word = Shortened(bare->word, kShownBytes);
    AddMistake(line, bare->column, SectionOf(line) + bare->key,
               absl::StrCat(word, " is not right, expected quotes around a string: ", bare->key,
                            " = ", QuoteToml(word)));
    lines_[line].clear();
    return true;
  }
  AddMistake(line, at.column == 0 ? 0 : at.column - 1, "",
             absl::StrCat("is not TOML: ", description));
  const size_t first = lines_[line].find_first_not_of(" \t");
  if (is_cause && first != std::string::npos && lines_[line][first] == '[') {
    LeaveOutSection(line);
  } else {
    lines_[line].clear();
  }
  if (!is_cause) lines_.resize(line);  // Something above it is; all below would be blamed for it.
  return is_cause;
}

TomlReading Reading::Read() {
  for (int tries = 0; tries < kMostMistakes; ++tries) {
    try {
      out_.table = toml::parse(Text(lines_.size()));
      return std::move(out_);
    } catch (const toml::parse_error& error) {
      if (!LeaveOut(error)) break;
    }
  }
  try {
    out_.table = toml::parse(Text(lines_.size()));
  } catch (const toml::parse_error&) {
    out_.table.clear();
  }
  return std::move(out_);
}

}  // namespace

TomlReading ReadToml(std::string_view text) { return Reading(text).Read(); }

}  // namespace weft
