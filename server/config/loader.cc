#include "config/loader.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/config_file.h"
#include "config/cross_check.h"
#include "config/environment.h"
#include "config/toml_reader.h"
#include "config/toml_text.h"

namespace weft {
namespace {

constexpr size_t kShownBytes = 80;

// Collects the entries, and what is wrong with their sources.
class Loading {
 public:
  Loading();

  void AddText(const ConfigText& text);
  void AddVariable(const std::string& variable);
  // source: what to call it in messages.
  void AddSetting(const std::string& source, const std::string& setting);
  void AddMistake(std::string line) { mistakes_.push_back({{}, std::move(line)}); }
  absl::StatusOr<LoadedConfig> Finish();

 private:
  // A place in the text; the name of the source when it has no lines.
  struct Place {
    std::string source;
    toml::source_position at;

    std::string Text() const {
      return at.line == 0 ? source : absl::StrCat(source, ":", at.line, ":", at.column);
    }
  };

  struct Mistake {
    toml::source_position at;
    std::string line;
  };

  void AddTable(const std::string& source, const std::string& path, const toml::table& table);
  void AddWord(const Place& place, const std::string& key, const std::string& value);
  void AddValue(const Place& place, const std::string& key, const toml::node& node);
  void AddMistake(const Place& place, std::string_view key, std::string_view what);

  std::vector<ConfigEntry> entries_;
  std::vector<Mistake> mistakes_;
};

// The value as TOML writes it, on one line and cut when it is long.
std::string Show(const toml::node& node) {
  std::ostringstream out;
  const toml::format_flags flags = toml::toml_formatter::default_flags &
                                   ~toml::format_flags::allow_multi_line_strings &
                                   ~toml::format_flags::allow_literal_strings;
  node.visit([&](const auto& value) { out << toml::toml_formatter(value, flags); });
  std::string text = std::move(out).str();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return Shortened(text, kShownBytes);
}

template <class T>
std::optional<ConfigValue> ListOf(const toml::array& array) {
  std::vector<T> list;
  for (const toml::node& element : array) {
    const std::optional<T> value = element.value_exact<T>();
    if (!value.has_value()) return std::nullopt;
    list.push_back(*value);
  }
  return list;
}

// Nullopt for kinds of values that no key takes, such as dates.
std::optional<ConfigValue> ToConfigValue(const toml::node& node) {
  if (const auto flag = node.value_exact<bool>()) return *flag;
  if (const auto number = node.value_exact<int64_t>()) return *number;
  if (auto text = node.value_exact<std::string>()) return std::move(*text);
  const toml::array* const array = node.as_array();
  if (array == nullptr) return std::nullopt;
  std::optional<ConfigValue> texts = ListOf<std::string>(*array);
  return texts.has_value() ? texts : ListOf<int64_t>(*array);
}

std::string UnknownKey(const std::string& key) {
  const std::string nearest(NearestConfigKey(key));
  if (!nearest.empty()) return absl::StrCat("unknown key, did you mean ", nearest, "?");
  std::set<std::string> sections;
  for (const ConfigRow& row : ConfigRows()) sections.emplace(row.key.substr(0, row.key.find('.')));
  return absl::StrCat("unknown key, expected one of the sections ", absl::StrJoin(sections, ", "));
}

Loading::Loading() {
  for (const ConfigRow& row : ConfigRows()) {
    const toml::table table = toml::parse(absl::StrCat("value = ", std::string(row.default_toml)));
    entries_.push_back({*ToConfigValue(*table.get("value")), "default"});
  }
}

void Loading::AddMistake(const Place& place, std::string_view key, std::string_view what) {
  mistakes_.push_back({place.at, absl::StrCat(place.Text(), ": ", std::string(key),
                                              key.empty() ? "" : ": ", std::string(what))});
}

void Loading::AddText(const ConfigText& text) {
  const auto first = static_cast<ptrdiff_t>(mistakes_.size());
  const TomlReading reading = ReadToml(text.toml);
  for (const TomlReading::Mistake& mistake : reading.mistakes) {
    AddMistake({text.name, mistake.at}, mistake.key, mistake.what);
  }
  AddTable(text.name, "", reading.table);
  for (const toml::table& section : reading.apart) AddTable(text.name, "", section);
  // Tables come sorted by name; who mends a file goes down its lines.
  std::stable_sort(mistakes_.begin() + first, mistakes_.end(),
                   [](const Mistake& a, const Mistake& b) { return a.at < b.at; });
}

// What names neither a section nor anything near a key is meant for others.
void Loading::AddVariable(const std::string& variable) {
  const std::string name = variable.substr(0, variable.find('='));
  const std::string value = variable.substr(std::min(name.size() + 1, variable.size()));
  const std::string key(KeyOfVariable(name));
  if (!key.empty()) {
    AddWord({name, {}}, key, value);
    return;
  }
  if (IsServiceVariable(name, value)) return;
  const std::string nearest = NearestVariable(name);
  if (!nearest.empty()) {
    AddMistake({name, {}}, "", absl::StrCat("unknown variable, did you mean ", nearest, "?"));
  } else if (NamesSection(name)) {
    AddMistake({name, {}}, "", "unknown variable, expected the name of a key after the section");
  }
}

void Loading::AddSetting(const std::string& source, const std::string& setting) {
  const Place place{source, {}};
  const size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    AddMistake(place, "", absl::StrCat("\"", setting, "\" is not of the form KEY=VALUE"));
    return;
  }
  const std::string key = setting.substr(0, equals);
  if (FindConfigRow(key) == nullptr) {
    AddMistake(place, key, UnknownKey(key));
    return;
  }
  AddWord(place, key, setting.substr(equals + 1));
}

// What starts like a TOML string, list or table was meant as one; anything else TOML refuses is a
// bare word.
void Loading::AddWord(const Place& place, const std::string& key, const std::string& value) {
  const bool is_structured = !value.empty() && std::strchr("[{\"'", value.front()) != nullptr;
  try {
    const toml::table table = toml::parse("value = " + value);
    if (table.size() == 1 && table.contains("value")) {
      AddValue(place, key, *table.get("value"));
      return;
    }
  } catch (const toml::parse_error& error) {
    if (is_structured) {
      const bool is_secret = FindConfigRow(key)->is_secret;
      AddMistake(place, key,
                 absl::StrCat(is_secret ? "the value" : Shortened(value, kShownBytes),
                              " is not TOML: ", std::string(error.description())));
      return;
    }
  }
  AddValue(place, key, toml::value<std::string>(value));
}

void Loading::AddTable(const std::string& source, const std::string& path,
                       const toml::table& table) {
  for (const auto& [name, node] : table) {
    const std::string key =
        path.empty() ? std::string(name.str()) : absl::StrCat(path, ".", std::string(name.str()));
    if (FindConfigRow(key) != nullptr) {
      AddValue({source, node.source().begin}, key, node);
    } else if (path.empty() && IsConfigSection(key) && !node.is_table()) {
      AddMistake({source, node.source().begin}, key,
                 absl::StrCat(Show(node), " is not right here, expected a section [", key, "]"));
    } else if (const toml::table* inner = node.as_table();
               inner != nullptr && (!inner->empty() || IsConfigSection(key))) {
      AddTable(source, key, *inner);
    } else {
      AddMistake({source, name.source().begin}, key, UnknownKey(key));
    }
  }
}

void Loading::AddValue(const Place& place, const std::string& key, const toml::node& node) {
  const ConfigRow& row = *FindConfigRow(key);
  std::optional<ConfigValue> value = ToConfigValue(node);
  const auto* const text = value.has_value() ? std::get_if<std::string>(&*value) : nullptr;
  const bool is_list = row.rule.kind == ConfigRule::Kind::kAddressList ||
                       row.rule.kind == ConfigRule::Kind::kHostList;
  if (is_list && text != nullptr) {
    value = std::vector<std::string>{*text};
  }
  if (!value.has_value() || !Obeys(row.rule, *value)) {
    AddMistake(place, key,
               absl::StrCat(row.is_secret ? "the value" : Show(node), " is not right, expected ",
                            DescribeExpected(row)));
    return;
  }
  entries_[static_cast<size_t>(&row - ConfigRows().data())] = {*std::move(value), place.Text()};
}

LoadedConfig Apply(std::vector<ConfigEntry> entries) {
  LoadedConfig loaded;
  for (size_t i = 0; i < entries.size(); ++i) {
    ConfigRows()[i].apply(loaded.config, entries[i].value);
  }
  loaded.entries = std::move(entries);
  return loaded;
}

absl::StatusOr<LoadedConfig> Loading::Finish() {
  LoadedConfig loaded = Apply(std::move(entries_));
  for (std::string& line : CrossCheck(loaded)) AddMistake(std::move(line));
  if (mistakes_.empty()) return loaded;
  return absl::InvalidArgumentError(absl::StrJoin(
      mistakes_, "\n",
      [](std::string* out, const Mistake& mistake) { absl::StrAppend(out, mistake.line); }));
}

absl::StatusOr<LoadedConfig> Load(const ConfigSources& sources,
                                  const absl::StatusOr<ConfigText>& text) {
  Loading loading;
  for (const std::string& preset : sources.presets) loading.AddSetting("weftd dev", preset);
  if (text.ok()) {
    loading.AddText(*text);
  } else {
    loading.AddMistake(std::string(text.status().message()));
  }
  for (const std::string& variable : sources.environment) loading.AddVariable(variable);
  for (const std::string& setting : sources.settings) loading.AddSetting("--set", setting);
  return loading.Finish();
}

}  // namespace

absl::StatusOr<LoadedConfig> LoadConfig(const ConfigSources& sources) {
  if (!sources.file.has_value()) return Load(sources, ConfigText{});
  absl::StatusOr<std::string> toml = ReadConfigFile(*sources.file);
  if (!toml.ok()) return Load(sources, toml.status());
  return Load(sources, ConfigText{*sources.file, *std::move(toml)});
}

absl::StatusOr<LoadedConfig> ParseConfig(const ConfigText& text, const ConfigSources& others) {
  return Load(others, text);
}

absl::StatusOr<LoadedConfig> AssembleConfig(std::vector<ConfigEntry> entries) {
  LoadedConfig loaded = Apply(std::move(entries));
  const std::vector<std::string> mistakes = CrossCheck(loaded);
  if (mistakes.empty()) return loaded;
  return absl::InvalidArgumentError(absl::StrJoin(mistakes, "\n"));
}

}  // namespace weft
