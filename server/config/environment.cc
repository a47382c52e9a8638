#include "config/environment.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "config/schema.h"

namespace weft {
namespace {

constexpr char kPrefix[] = "WEFT_";

}  // namespace

std::string VariableOfKey(std::string_view key) {
  std::string name = kPrefix + std::string(key);
  std::replace(name.begin(), name.end(), '.', '_');
  absl::AsciiStrToUpper(&name);
  return name;
}

std::string_view KeyOfVariable(std::string_view name) {
  for (const ConfigRow& row : ConfigRows()) {
    if (VariableOfKey(row.key) == name) return row.key;
  }
  return {};
}

std::string NearestVariable(std::string_view name) {
  std::vector<std::string> names;
  for (const ConfigRow& row : ConfigRows()) {
    names.push_back(VariableOfKey(row.key));
    // The section was left out, or is another.
    const size_t last = sizeof(kPrefix) - 1 + row.key.find('.');
    if (absl::EndsWith(absl::string_view(name.data(), name.size()), names.back().substr(last))) {
      return names.back();
    }
  }
  const size_t nearest =
      NearestName(name, std::vector<std::string_view>(names.begin(), names.end()));
  return nearest == names.size() ? std::string() : names[nearest];
}

bool NamesSection(std::string_view name) {
  return std::ranges::any_of(ConfigRows(), [name](const ConfigRow& row) {
    const std::string variable = VariableOfKey(row.key);
    const size_t section = sizeof(kPrefix) + row.key.find('.');
    return name.substr(0, section) == variable.substr(0, section);
  });
}

std::vector<std::string> WeftVariables() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.substr(0, sizeof(kPrefix) - 1) == kPrefix) variables.emplace_back(text);
  }
  std::sort(variables.begin(), variables.end());
  return variables;
}

}  // namespace weft
