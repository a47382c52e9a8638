#include "config/schema.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/cpu_name.h"
#include "config/host_pattern.h"
#include "config/listen_address.h"

namespace weft {
namespace {

using Kind = ConfigRule::Kind;

constexpr size_t kNearDistance = 3;
constexpr char kAddressForm[] =
    "IP:PORT with a port from 0 to 65535, as in \"127.0.0.1:7411\" or \"[::1]:7411\"";

// The number of single-character insertions, removals and replacements between the two.
size_t EditDistance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  for (size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); ++j) {
      const size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[to.size()];
}

bool AreCpus(const ConfigValue& value) {
  const auto is_name = [](const std::string& text) { return ParseCpuName(text).has_value(); };
  if (const auto* text = std::get_if<std::string>(&value)) return *text == "auto" || is_name(*text);
  if (const auto* names = std::get_if<std::vector<std::string>>(&value)) {
    return !names->empty() && std::ranges::all_of(*names, is_name);
  }
  const auto* numbers = std::get_if<std::vector<int64_t>>(&value);
  return numbers != nullptr && !numbers->empty() &&
         std::ranges::all_of(*numbers, [](int64_t number) {
           return number >= 0 && number <= int64_t{kHighestCpuNumber};
         });
}

bool IsPath(const ConfigRule& rule, const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return false;
  if (text->empty() || std::ranges::find(rule.choices, *text) != rule.choices.end()) return true;
  return text->front() == '/' && text->size() <= static_cast<size_t>(rule.most) &&
         text->find('\0') == std::string::npos;
}

bool AreAddresses(const ConfigValue& value) {
  const auto is_address = [](const std::string& text) {
    return ParseListenAddress(text).has_value();
  };
  const auto* texts = std::get_if<std::vector<std::string>>(&value);
  return texts != nullptr && std::ranges::all_of(*texts, is_address);
}

bool AreHosts(const ConfigRule& rule, const ConfigValue& value) {
  const auto is_host = [](const std::string& text) { return ParseHostPattern(text).has_value(); };
  const auto* texts = std::get_if<std::vector<std::string>>(&value);
  return texts != nullptr && texts->size() <= static_cast<size_t>(rule.most) &&
         std::ranges::all_of(*texts, is_host);
}

std::string Listed(absl::Span<const std::string_view> choices, const char* before) {
  if (choices.empty()) return "";
  const auto quote = [](std::string* out, std::string_view choice) {
    absl::StrAppend(out, "\"", std::string(choice), "\"");
  };
  return absl::StrCat(before, absl::StrJoin(choices, ", ", quote));
}

}  // namespace

const ConfigRow* FindConfigRow(std::string_view key) {
  for (const ConfigRow& row : ConfigRows()) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

bool IsConfigSection(std::string_view name) {
  const absl::Span<const ConfigRow> rows = ConfigRows();
  return std::any_of(rows.begin(), rows.end(), [name](const ConfigRow& row) {
    return row.key.substr(0, row.key.find('.')) == name;
  });
}

size_t NearestName(std::string_view name, absl::Span<const std::string_view> names) {
  size_t nearest = names.size();
  size_t nearest_distance = kNearDistance + 1;
  for (size_t i = 0; i < names.size(); ++i) {
    const size_t distance = EditDistance(name, names[i]);
    if (distance >= nearest_distance) continue;
    nearest = i;
    nearest_distance = distance;
  }
  return nearest;
}

std::string_view NearestConfigKey(std::string_view key) {
  // The end of a key says more than its section: "max_waiters" means limits.max_waiters.
  std::vector<std::string_view> keys;
  for (const ConfigRow& row : ConfigRows()) {
    const std::string_view name = row.key.substr(row.key.find('.') + 1);
    if (name == key.substr(key.rfind('.') + 1)) return row.key;
    keys.push_back(row.key);
  }
  const size_t nearest = NearestName(key, keys);
  return nearest == keys.size() ? std::string_view() : keys[nearest];
}

bool Obeys(const ConfigRule& rule, const ConfigValue& value) {
  switch (rule.kind) {
    case Kind::kFlag:
      return std::holds_alternative<bool>(value);
    case Kind::kInteger: {
      const auto* number = std::get_if<int64_t>(&value);
      return number != nullptr && *number >= rule.least && *number <= rule.most;
    }
    case Kind::kChoice: {
      const auto* text = std::get_if<std::string>(&value);
      return text != nullptr &&
             std::find(rule.choices.begin(), rule.choices.end(), *text) != rule.choices.end();
    }
    case Kind::kPath:
      return IsPath(rule, value);
    case Kind::kAddress: {
      const auto* text = std::get_if<std::string>(&value);
      return text != nullptr && (text->empty() || ParseListenAddress(*text).has_value());
    }
    case Kind::kAddressList:
      return AreAddresses(value);
    case Kind::kHostList:
      return AreHosts(rule, value);
    case Kind::kCpus:
      return AreCpus(value);
  }
  return false;
}

std::string DescribeExpected(const ConfigRow& row) {
  const std::string unit = row.unit.empty() ? "" : absl::StrCat(" (", std::string(row.unit), ")");
  switch (row.rule.kind) {
    case Kind::kFlag:
      return "true or false";
    case Kind::kInteger:
      return absl::StrCat("a whole number from ", row.rule.least, " to ", row.rule.most, unit);
    case Kind::kChoice:
      return Listed(row.rule.choices, "one of ");
    case Kind::kPath:
      return absl::StrCat(Listed(row.rule.choices, ""), row.rule.choices.empty() ? "" : " or ",
                          "an absolute path of at most ", row.rule.most,
                          " bytes, or \"\" for none");
    case Kind::kAddress:
      return absl::StrCat(kAddressForm, ", or \"\" for none");
    case Kind::kAddressList:
      return absl::StrCat("a list of addresses, each ", kAddressForm);
    case Kind::kHostList:
      return absl::StrCat("a list of at most ", row.rule.most,
                          " hosts, each HOST or HOST:PORT, as in \"example.com\", "
                          "\"*.example.com:80\", \"127.0.0.1\" or \"[::1]:8080\"");
    case Kind::kCpus:
      return absl::StrCat(
          "\"auto\", a list of CPU numbers from 0 to ", kHighestCpuNumber,
          ", or a list of names as in [\"p1\", \"n0:2\"], one alone without brackets: p and n for "
          "package and NUMA node, their number, and for a single CPU of them its place from 0 on");
  }
  return "";
}

}  // namespace weft
