#include "daemon/machine_check.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "config/schema.h"
#include "daemon/listen_guard.h"
#include "handlers/builtin/builtin.h"
#include "task/limits.h"

namespace weft {
namespace {

std::string_view CpuKey(const Config& config) {
  return config.cores.cpus.has_value() ? "executor.cores" : "executor.worker_threads";
}

absl::StatusOr<std::vector<int>> CoreCpus(const Config& config,
                                          absl::Span<const sys::CpuPlace> allowed) {
  return sys::ChooseCores({.cores = config.cores.cpus,
                           .worker_threads = config.cores.worker_threads,
                           .most = kMaxCores},
                          allowed);
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

// Without what these ask for a start goes on, too.
absl::Status CheckGrant(const CoreGrant& grant, const sys::MachineLimits& limits) {
  const std::vector<LimitWarning> warnings = GrantWarnings({grant}, limits);
  if (warnings.empty()) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(warnings[0].because, "; the limit is ",
                                                  warnings[0].granted, ": ", warnings[0].fix));
}

}  // namespace

MachineOffer TryMachine(const Config& config, absl::Span<const int> allowed) {
  std::vector<sys::CpuPlace> places = sys::ReadTopology(allowed).cpus;
  const absl::StatusOr<std::vector<int>> chosen = CoreCpus(config, places);
  return {.cpus = std::move(places),
          .grant = TryGrants(config, chosen.ok() ? chosen->size() : 1),
          .limits = sys::ReadMachineLimits("")};
}

std::vector<std::string> MachineWarnings(const LoadedConfig& loaded, const MachineOffer& offer) {
  std::vector<std::string> warnings;
  const auto add = [&](std::string_view key, const absl::Status& status) {
    if (status.ok()) return;
    const auto row = static_cast<size_t>(FindConfigRow(key) - ConfigRows().data());
    warnings.push_back(absl::StrCat(loaded.entries[row].origin, ": ", std::string(status.message()),
                                    " (this machine)"));
  };
  add(CpuKey(loaded.config), CoreCpus(loaded.config, offer.cpus).status());
  add("rpc.unix_socket", CheckUnixSocket(loaded.config));
  add("handlers.file_root", CheckFileRoot(loaded.config));
  add("executor.realtime", CheckGrant({.realtime = offer.grant.realtime}, offer.limits));
  add("executor.lock_memory", CheckGrant({.lockable_bytes = offer.grant.lockable_bytes,
                                          .locked_bytes = offer.grant.locked_bytes},
                                         offer.limits));
  return warnings;
}

}  // namespace weft
