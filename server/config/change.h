#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "config/loader.h"

namespace weft {

// A key whose value is another than before, both as TOML; a secret is hidden.
struct ConfigChange {
  std::string_view key;
  std::string old_value;
  std::string new_value;
};

// What a configuration that was read again comes to.
struct ConfigUpdate {
  LoadedConfig next;                        // The running one with the live keys of the new one.
  std::vector<ConfigChange> applied;        // Live keys.
  std::vector<ConfigChange> needs_restart;  // The others; `next` holds their old values.
  // What the machine would not grant to the next start. UpdateConfig leaves it empty.
  std::vector<std::string> warnings;
};

// Pure. InvalidArgument when the new values of live keys contradict old values of others, which
// hold until a restart.
absl::StatusOr<ConfigUpdate> UpdateConfig(const LoadedConfig& running, const LoadedConfig& fresh);

}  // namespace weft
