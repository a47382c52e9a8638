#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/config.h"
#include "config/schema.h"

namespace weft {

// Where a configuration comes from; later ones win: the defaults, the presets, the file, the
// environment, the settings.
struct ConfigSources {
  std::vector<std::string> presets;      // As settings; what `weftd dev` changes of the defaults.
  std::optional<std::string> file;       // Path of a TOML file.
  std::vector<std::string> environment;  // "WEFT_SECTION_NAME=VALUE", as WeftVariables gives them.
  std::vector<std::string> settings;     // "KEY=VALUE".
};
// VALUE is TOML; a bare word is a string.

// The text of a file, and what to call it in messages.
struct ConfigText {
  std::string name;
  std::string toml;
};

// The value of one key.
struct ConfigEntry {
  ConfigValue value;
  // "default", "weftd dev", "/etc/weft/weftd.toml:3:5", "WEFT_LOG_LEVEL" or "--set".
  std::string origin;
};

// A configuration in which everything is right.
struct LoadedConfig {
  Config config;
  std::vector<ConfigEntry> entries;  // One for each of ConfigRows(), in their order.
};

// Reads and checks all of it; blocks on the file. InvalidArgument holds every mistake found, one a
// line: place, key, what is wrong with which value, and what is right.
absl::StatusOr<LoadedConfig> LoadConfig(const ConfigSources& sources);

// The same with this text for the file.
absl::StatusOr<LoadedConfig> ParseConfig(const ConfigText& text, const ConfigSources& others = {});

// What entries make of a configuration, each of them right by itself; also whether they are right
// together. InvalidArgument as LoadConfig.
absl::StatusOr<LoadedConfig> AssembleConfig(std::vector<ConfigEntry> entries);

}  // namespace weft
