#include "config/change.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "config/schema.h"
#include "config/toml_text.h"

namespace weft {

absl::StatusOr<ConfigUpdate> UpdateConfig(const LoadedConfig& running, const LoadedConfig& fresh) {
  ConfigUpdate update;
  std::vector<ConfigEntry> entries = running.entries;
  for (size_t i = 0; i < entries.size(); ++i) {
    const ConfigRow& row = ConfigRows()[i];
    const bool is_live = row.reload == ConfigReload::kLive;
    if (fresh.entries[i].value != entries[i].value) {
      (is_live ? update.applied : update.needs_restart)
          .push_back({row.key, ToShownToml(row, entries[i].value),
                      ToShownToml(row, fresh.entries[i].value)});
    }
    if (is_live) entries[i] = fresh.entries[i];
  }
  absl::StatusOr<LoadedConfig> next = AssembleConfig(std::move(entries));
  if (next.ok()) {
    update.next = *std::move(next);
    return update;
  }
  const auto name = [](std::string* out, const ConfigChange& change) {
    absl::StrAppend(out, std::string(change.key));
  };
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(next.status().message()), " (until a restart, as ",
                   absl::StrJoin(update.needs_restart, ", ", name), " changes only then)"));
}

}  // namespace weft
