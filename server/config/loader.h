#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/config.h"

namespace weft {

// Where a configuration comes from: defaults, then the file, then each setting; later ones win.
struct ConfigSources {
  std::optional<std::string> file;    // Path of a TOML file.
  std::vector<std::string> settings;  // "KEY=VALUE", VALUE in TOML; a bare word is a string.
};

// Reads and checks all of it; blocks on the file. InvalidArgument holds every mistake found, one a
// line: place, key, what is wrong with which value, and what is right.
absl::StatusOr<Config> LoadConfig(const ConfigSources& sources);

// The text of a file, and what to call it in messages.
struct ConfigText {
  std::string name;
  std::string toml;
};

// The same without the file system.
absl::StatusOr<Config> ParseConfig(const ConfigText& text,
                                   const std::vector<std::string>& settings);

}  // namespace weft
