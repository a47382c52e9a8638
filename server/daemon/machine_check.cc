#include "daemon/machine_check.h"

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "config/schema.h"
#include "daemon/listen_guard.h"
#include "handlers/builtin/builtin.h"
#include "sys/topology.h"

namespace weft {
namespace {

std::string_view CpuKey(const Config& config) {
  return config.cores.cpus.has_value() ? "executor.cores" : "executor.worker_threads";
}

absl::Status CheckCpus(const Config& config, absl::Span<const int> allowed) {
  return sys::ChooseCores(
             {.cores = config.cores.cpus, .worker_threads = config.cores.worker_threads}, allowed)
      .status();
}

absl::Status CheckFileRoot(const Config& config) {
  if (config.handlers.file_root.empty()) return absl::OkStatus();
  return OpenFileRoot(config.handlers.file_root).status();
}

// A start goes on without the socket that nobody asked for.
absl::Status CheckUnixSocket(const Config& config) {
  const std::string& path = config.rpc.unix_socket;
  if (path.empty() || path == "auto") return absl::OkStatus();
  return CheckUnixSocketPlace(path);
}

}  // namespace

std::vector<std::string> MachineWarnings(const LoadedConfig& loaded,
                                         absl::Span<const int> allowed) {
  std::vector<std::string> warnings;
  const auto add = [&](std::string_view key, const absl::Status& status) {
    if (status.ok()) return;
    const auto row = static_cast<size_t>(FindConfigRow(key) - ConfigRows().data());
    warnings.push_back(absl::StrCat(loaded.entries[row].origin, ": ", std::string(status.message()),
                                    " (this machine)"));
  };
  add(CpuKey(loaded.config), CheckCpus(loaded.config, allowed));
  add("rpc.unix_socket", CheckUnixSocket(loaded.config));
  add("handlers.file_root", CheckFileRoot(loaded.config));
  return warnings;
}

}  // namespace weft
