#include "config/toml_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "config/toml_depth.h"
#include "config/toml_statement.h"
#include "config/toml_text.h"

namespace weft {
namespace {

constexpr size_t kShownBytes = 80;

// A line "key = word", where the word is a string without its quotes.
struct BareWord {
  std::string key;
  std::string word;
  size_t column = 0;
};

std::optional<BareWord> FindBareWord(std::string_view line) {
  const std::string_view before = WithoutTomlSpace(line.substr(0, line.find('=')));
  const std::string_view key = TomlKeyAt(before);
  if (line.find('=') == std::string_view::npos || key.empty() || key.size() != before.size()) {
    return std::nullopt;
  }
  const std::string_view after = line.substr(line.find('=') + 1);
  const std::string_view word = WithoutTomlSpace(after.substr(0, after.find('#')));
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
  Reading(std::vector<std::string> lines, size_t most_mistakes)
      : lines_(std::move(lines)), most_mistakes_(most_mistakes) {}

  TomlReading Read();

 private:
  std::string Text(size_t end) const {
    return absl::StrJoin(lines_.begin(), lines_.begin() + static_cast<ptrdiff_t>(end), "\n");
  }
  // Puts the lines into the table, which stays empty when they are no TOML.
  std::optional<toml::parse_error> Parse();
  void LeaveOutDeepNames();
  void LeaveOut(const toml::parse_error& error);
  void LeaveOutSecond(const std::string& name, size_t line);
  void LeaveOutSecondSection(const std::string& name, size_t line);
  void LeaveOutOpen(const TomlStatement& open);
  void LeaveOutSection(const std::optional<std::string>& name, size_t line);
  void Clear(const TomlStatement& statement);
  void AddMistake(size_t line, size_t column, std::string key, std::string what);
  size_t LineOf(const toml::parse_error& error) const;
  TomlStatement CauseOf(size_t line) const;
  std::string SectionOf(size_t line) const;
  uint32_t FirstLineOf(const std::string& key, size_t end) const;

  std::vector<std::string> lines_;
  const size_t most_mistakes_;
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
    if (const auto name = TomlHeader(lines_[at])) return *name + ".";
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

size_t Reading::LineOf(const toml::parse_error& error) const {
  const uint32_t line = error.source().begin.line;
  return std::min<size_t>(line == 0 ? 0 : line - 1, lines_.size() - 1);
}

// The statement that the line belongs to, or the one above it whose value is open and runs into it.
TomlStatement Reading::CauseOf(size_t line) const {
  TomlStatement statement = StatementAt(lines_, 0);
  while (statement.end <= line && (statement.end < line || statement.missing.empty())) {
    statement = StatementAt(lines_, statement.end);
  }
  return statement;
}

void Reading::Clear(const TomlStatement& statement) {
  for (size_t at = statement.begin; at < statement.end; ++at) lines_[at].clear();
}

// Its keys are read apart from the rest, where its name can be told.
void Reading::LeaveOutSection(const std::optional<std::string>& name, size_t line) {
  std::vector<std::string> section(line);
  const std::string header = absl::StrCat("[", name.value_or(""), "]");
  section.push_back(header);
  size_t end = line + 1;
  while (end < lines_.size() && !AnyTomlHeader(lines_[end]).has_value()) {
    end = StatementAt(lines_, end).end;
  }
  for (size_t at = line + 1; at < end; ++at) section.push_back(std::move(lines_[at]));
  Clear({.begin = line, .end = end});
  if (!IsToml(header)) return;
  TomlReading apart = Reading(std::move(section), most_mistakes_ - out_.mistakes.size()).Read();
  std::move(apart.mistakes.begin(), apart.mistakes.end(), std::back_inserter(out_.mistakes));
  std::move(apart.apart.begin(), apart.apart.end(), std::back_inserter(out_.apart));
  out_.apart.push_back(std::move(apart.table));
}

void Reading::LeaveOutSecondSection(const std::string& name, size_t line) {
  const uint32_t first = FirstLineOf(name, line);
  const std::string where = first == 0 ? "above" : absl::StrCat("in line ", first);
  AddMistake(line, lines_[line].find('['), name,
             absl::StrCat("the section stands twice, first ", where,
                          ", expected once, with all its keys below it"));
  LeaveOutSection(name, line);
}

void Reading::LeaveOutSecond(const std::string& name, size_t line) {
  const std::string key = SectionOf(line) + name;
  const uint32_t first = FirstLineOf(key, line);
  const std::string where = first == 0 ? "" : absl::StrCat(", first in line ", first);
  const size_t column = lines_[line].find_first_not_of(" \t");
  AddMistake(line, column == std::string::npos ? 0 : column, key,
             absl::StrCat("stands twice", where, ", expected once"));
  Clear(StatementAt(lines_, line));
}

// Where a list ends that is open can be told by the next key; where a string does cannot.
void Reading::LeaveOutOpen(const TomlStatement& open) {
  AddMistake(open.begin, open.value_column, SectionOf(open.begin) + open.key,
             absl::StrCat("the value that begins in line ", open.begin + 1,
                          " is not closed, expected ", open.missing, " at its end"));
  if (open.missing == "]" || open.missing == "}") {
    Clear(open);
  } else {
    lines_.resize(open.begin);
  }
}

void Reading::LeaveOut(const toml::parse_error& error) {
  const size_t line = LineOf(error);
  const uint32_t column = error.source().begin.column;
  const std::string description(error.description());
  if (const auto name = TwiceName(description)) {
    if (TomlHeader(lines_[line]).has_value()) {
      LeaveOutSecondSection(*name, line);
    } else {
      LeaveOutSecond(*name, line);
    }
    return;
  }
  const TomlStatement cause = CauseOf(line);
  if (!cause.missing.empty()) {
    LeaveOutOpen(cause);
    return;
  }
  const bool is_cause = !IsToml(lines_[line]);
  const std::optional<BareWord> bare = FindBareWord(lines_[line]);
  if (is_cause && bare.has_value()) {
    const std::string word = Shortened(bare->word, kShownBytes);
    AddMistake(line, bare->column, SectionOf(line) + bare->key,
               absl::StrCat(word, " is not right, expected quotes around a string: ", bare->key,
                            " = ", QuoteToml(word)));
    lines_[line].clear();
    return;
  }
  AddMistake(line, column == 0 ? 0 : column - 1, "", absl::StrCat("is not TOML: ", description));
  if (!is_cause) {
    lines_.resize(cause.begin);  // Something in it is; all below would be blamed for it.
  } else if (WithoutTomlSpace(lines_[line]).starts_with('[') && cause.begin == line) {
    LeaveOutSection(AnyTomlHeader(lines_[line]), line);
  } else if (cause.begin == line) {
    Clear(cause);
  } else {
    lines_[line].clear();
  }
}

std::optional<toml::parse_error> Reading::Parse() {
  try {
    out_.table = toml::parse(Text(lines_.size()));
    return std::nullopt;
  } catch (const toml::parse_error& error) {
    out_.table.clear();
    return error;
  }
}

// Before anything is parsed.
void Reading::LeaveOutDeepNames() {
  for (size_t line = 0; line < lines_.size(); ++line) {
    const std::optional<size_t> column = FindDeepName(lines_[line]);
    if (!column.has_value()) continue;
    if (out_.mistakes.size() < most_mistakes_) {
      AddMistake(line, *column, "",
                 absl::StrCat("is a name of more than ", kMostNameParts,
                              " parts, expected a section and a key"));
    }
    lines_[line].clear();
  }
}

TomlReading Reading::Read() {
  LeaveOutDeepNames();
  std::optional<toml::parse_error> error = Parse();
  while (error.has_value() && out_.mistakes.size() < most_mistakes_) {
    LeaveOut(*error);
    error = Parse();
  }
  if (error.has_value()) {
    lines_.resize(CauseOf(LineOf(*error)).begin);
    Parse();
  }
  return std::move(out_);
}

}  // namespace

TomlReading ReadToml(std::string_view text) {
  return Reading(absl::StrSplit(absl::string_view(text.data(), text.size()), '\n'), kMostMistakes)
      .Read();
}

}  // namespace weft
