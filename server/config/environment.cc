#include "config/environment.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "config/schema.h"

namespace weft {
namespace {

constexpr char kPrefix[] = "WEFT_";

// What a Service's port is called: "7412_TCP", "7412_TCP_ADDR".
bool IsServicePort(std::string_view text) {
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return false;
  text.remove_prefix(digits);
  for (const std::string_view protocol : {"_TCP", "_UDP", "_SCTP"}) {
    if (!text.starts_with(protocol)) continue;
    const std::string_view part = text.substr(protocol.size());
    return part.empty() || part == "_PROTO" || part == "_PORT" || part == "_ADDR";
  }
  return false;
}

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

bool IsServiceVariable(std::string_view name, std::string_view value) {
  constexpr std::string_view kPort = "_PORT";
  constexpr std::string_view kServicePort = "_SERVICE_PORT";
  if (name.ends_with("_SERVICE_HOST")) return true;
  if (name.ends_with(kPort) && value.find("://") != std::string_view::npos) return true;
  const size_t service = name.find(kServicePort);
  if (service != std::string_view::npos) {
    const std::string_view port = name.substr(service + kServicePort.size());
    return port.empty() || port[0] == '_';
  }
  const size_t port = name.find("_PORT_");
  return port != std::string_view::npos && IsServicePort(name.substr(port + kPort.size() + 1));
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
