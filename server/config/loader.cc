#include "config/loader.h"

#include <toml++/toml.h>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/schema.h"

namespace weft {
namespace {

constexpr std::streamsize kMaxFileBytes = 1024 * 1024;
constexpr size_t kShownBytes = 80;
constexpr std::string_view kSettingPlace = "--set";

// Fills one Config and collects what is wrong with its sources.
class Loading {
 public:
  Loading() {
    for (const ConfigRow& row : ConfigRows()) {
      AddSetting(absl::StrCat(std::string(row.key), "=", std::string(row.default_toml)));
    }
  }

  void AddText(const ConfigText& text);
  void AddSetting(const std::string& setting);
  void AddMistake(std::string line) { mistakes_.push_back({{}, std::move(line)}); }
  absl::StatusOr<Config> Finish();

 private:
  // A place in the text; the name of the source when it has no lines.
  struct Place {
    std::string source;
    toml::source_position at;
  };

  struct Mistake {
    toml::source_position at;
    std::string line;
  };

  void AddTable(const std::string& source, const std::string& path, const toml::table& table);
  void AddValue(const Place& place, const std::string& key, const toml::node& node);
  void AddMistake(const Place& place, std::string_view key, std::string_view what);

  Config config_;
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
  return text.size() <= kShownBytes ? text : text.substr(0, kShownBytes) + "...";
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

void Loading::AddMistake(const Place& place, std::string_view key, std::string_view what) {
  std::string line = place.source;
  if (place.at.line != 0) absl::StrAppend(&line, ":", place.at.line, ":", place.at.column);
  absl::StrAppend(&line, ": ", std::string(key), key.empty() ? "" : ": ", std::string(what));
  mistakes_.push_back({place.at, std::move(line)});
}

void Loading::AddText(const ConfigText& text) {
  try {
    AddTable(text.name, "", toml::parse(text.toml, text.name));
  } catch (const toml::parse_error& error) {
    AddMistake({text.name, error.source().begin}, "", error.description());
  }
  // Tables come sorted by name; who mends a file goes down its lines.
  std::stable_sort(mistakes_.begin(), mistakes_.end(),
                   [](const Mistake& a, const Mistake& b) { return a.at < b.at; });
}

void Loading::AddSetting(const std::string& setting) {
  const Place place{std::string(kSettingPlace), {}};
  const size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    AddMistake(place, "", absl::StrCat("\"", setting, "\" is not of the form KEY=VALUE"));
    return;
  }
  const std::string key = setting.substr(0, equals);
  const std::string value = setting.substr(equals + 1);
  if (FindConfigRow(key) == nullptr) {
    AddMistake(place, key, UnknownKey(key));
    return;
  }
  // What starts like a TOML string, list or table was meant as one; anything else TOML refuses is
  // a bare word.
  const bool is_structured = !value.empty() && std::strchr("[{\"'", value.front()) != nullptr;
  try {
    const toml::table table = toml::parse("value = " + value);
    if (table.size() == 1 && table.contains("value")) {
      AddValue(place, key, *table.get("value"));
      return;
    }
  } catch (const toml::parse_error& error) {
    if (is_structured) {
      AddMistake(place, key, absl::StrCat(value, ": ", std::string(error.description())));
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
  const std::optional<ConfigValue> value = ToConfigValue(node);
  if (!value.has_value() || !Obeys(row.rule, *value)) {
    AddMistake(place, key,
               absl::StrCat(Show(node), " is not right, expected ", DescribeExpected(row)));
    return;
  }
  row.apply(config_, *value);
}

absl::StatusOr<Config> Loading::Finish() {
  const DispatchOptions& bounds = config_.dispatch;
  if (bounds.max_in_flight_bytes < bounds.max_payload_bytes) {
    AddMistake(absl::StrCat("limits.max_in_flight_bytes: ", bounds.max_in_flight_bytes,
                            " is not right, expected at least limits.max_payload_bytes, ",
                            bounds.max_payload_bytes));
  }
  const RpcOptions& rpc = config_.rpc;
  if (rpc.listen.empty() && rpc.unix_socket.empty()) {
    AddMistake(
        "rpc.listen: [] is not right while rpc.unix_socket is \"\", as nobody could reach the "
        "daemon; expected an address in one of them");
  }
  if (rpc.unix_socket.find('\0') != std::string::npos) {
    AddMistake("rpc.unix_socket: a NUL is not right, expected a path");
  }
  std::vector<int> cpus = config_.cores.cpus.value_or(std::vector<int>());
  std::sort(cpus.begin(), cpus.end());
  const auto twice = std::adjacent_find(cpus.begin(), cpus.end());
  if (twice != cpus.end()) {
    AddMistake(absl::StrCat("executor.cores: CPU ", *twice,
                            " is named twice, which is not right, expected each once"));
  }
  if (!mistakes_.empty())
    return absl::InvalidArgumentError(absl::StrJoin(
        mistakes_, "\n",
        [](std::string* out, const Mistake& mistake) { absl::StrAppend(out, mistake.line); }));
  return std::move(config_);
}

absl::StatusOr<Config> Finish(Loading& loading, const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) loading.AddSetting(setting);
  return loading.Finish();
}

}  // namespace

absl::StatusOr<Config> LoadConfig(const ConfigSources& sources) {
  Loading loading;
  if (sources.file.has_value()) {
    std::ifstream file(*sources.file, std::ios::binary);
    std::string toml(static_cast<size_t>(kMaxFileBytes) + 1, '\0');
    file.read(toml.data(), kMaxFileBytes + 1);
    const std::streamsize count = file.gcount();
    if (file.bad() || (count == 0 && !file.eof())) {
      loading.AddMistake(absl::StrCat(*sources.file, ": cannot be read: ", std::strerror(errno)));
    } else if (count > kMaxFileBytes) {
      loading.AddMistake(absl::StrCat(*sources.file, ": is longer than ", kMaxFileBytes, " bytes"));
    } else {
      toml.resize(static_cast<size_t>(count));
      loading.AddText({*sources.file, std::move(toml)});
    }
  }
  return Finish(loading, sources.settings);
}

absl::StatusOr<Config> ParseConfig(const ConfigText& text,
                                   const std::vector<std::string>& settings) {
  Loading loading;
  loading.AddText(text);
  return Finish(loading, settings);
}

}  // namespace weft
