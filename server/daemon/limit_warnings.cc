#include "daemon/limit_warnings.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/pool_core.h"
#include "handlers/builtin/file_permits.h"

namespace weft {
namespace {

// Of the daemon itself: log, listeners, the poller of gRPC, one or two a core.
constexpr uint64_t kOwnFiles = 64;
constexpr uint64_t kFilesPerCore = 4;
// Those waiting beside those served, see WebOptions.
constexpr uint64_t kWebConnectionsFactor = 5;
// A stack and its guard page; the rest of the process.
constexpr uint64_t kMappingsPerStack = 2;
constexpr uint64_t kOwnMappings = 1'000;
// Its stack with a guard, the one for signals, and its part of the allocator, which is two.
constexpr uint64_t kMappingsPerThread = 5;
// What a thread touches of them for a handler of ordinary depth.
constexpr uint64_t kBytesPerThread = 128 * 1024;
// The Door, the pool's core, signals, notify, accept, the reload, the log of stalls, names, the
// watch; gRPC's.
constexpr uint64_t kOwnThreads = 32;
// The program, gRPC's buffers, and per slot what Core and TaskTable keep.
constexpr uint64_t kOwnBytes = 64 * 1024 * 1024;
constexpr uint64_t kBytesPerSlot = 512;

uint64_t FilesWithoutTasks(const Config& config, size_t cores) {
  return config.rpc.max_streams + kWebConnectionsFactor * config.web.max_connections +
         kFilesPerCore * cores + kOwnFiles;
}

uint64_t FilesOfTasks(const Config& config, size_t cores) {
  if (config.handlers.file_root.empty() && config.handlers.net_allow.empty()) return 0;
  return uint64_t{FilePermits::kFilesPerTask} * cores * config.core.stacks;
}

void WarnOfFiles(const Config& config, size_t cores, const sys::MachineLimits& limits,
                 std::vector<LimitWarning>* warnings) {
  const uint64_t needed = FilesWithoutTasks(config, cores) + FilesOfTasks(config, cores);
  if (limits.open_files.value_or(needed) >= needed) return;
  warnings->push_back(
      {"open files", absl::StrCat(*limits.open_files), absl::StrCat(needed),
       absl::StrCat("limits.max_streams = ", config.rpc.max_streams, ", a connection for each",
                    FilesOfTasks(config, cores) == 0
                        ? ""
                        : absl::StrCat("; executor.stacks = ", config.core.stacks, " on each of ",
                                       cores, " cores, and each may hold files or sockets")),
       "raise it (LimitNOFILE= of the unit, ulimit -Hn), or lower the keys"});
}

void WarnOfMemory(const Config& config, size_t cores, const sys::MachineLimits& limits,
                  std::vector<LimitWarning>* warnings) {
  const CoreOptions pool = PoolCoreOptions(config);
  const uint64_t stacks = uint64_t{cores} * config.core.stacks * config.core.stack_bytes +
                          uint64_t{pool.stacks} * (pool.stack_bytes + kBytesPerThread);
  const uint64_t slots =
      (uint64_t{cores} * config.core.door_slots() + pool.door_slots()) * kBytesPerSlot;
  const uint64_t needed = config.dispatch.max_in_flight_bytes + config.dispatch.results_max_bytes +
                          stacks + slots + kOwnBytes;
  if (limits.memory_bytes.value_or(needed) >= needed) return;
  warnings->push_back(
      {"memory of the cgroup in bytes", absl::StrCat(*limits.memory_bytes), absl::StrCat(needed),
       absl::StrCat("limits.max_in_flight_bytes = ", config.dispatch.max_in_flight_bytes,
                    ", results.max_bytes = ", config.dispatch.results_max_bytes, ", stacks ",
                    stacks, ", queues ", slots),
       "raise it (MemoryMax= of the unit, the container's limit), or lower the keys"});
}

void WarnOfCpus(size_t cores, const sys::MachineLimits& limits,
                std::vector<LimitWarning>* warnings) {
  const auto needed = static_cast<double>(cores + 1);
  if (limits.cpus.value_or(needed) >= needed) return;
  warnings->push_back(
      {"CPUs by the quota of the cgroup", absl::StrFormat("%.2f", *limits.cpus),
       absl::StrCat(cores + 1),
       absl::StrCat(cores,
                    " cores and the Door; when the quota is used up all of them stop, for up "
                    "to 100 ms"),
       "take the quota away and give whole CPUs (AllowedCPUs=, cpuset), or set fewer "
       "executor.cores"});
}

void WarnOfMappings(const Config& config, size_t cores, const sys::MachineLimits& limits,
                    std::vector<LimitWarning>* warnings) {
  if (limits.has_guard_markers) return;
  const uint64_t threads = config.blocking.threads_max;
  const uint64_t stacks = uint64_t{cores} * config.core.stacks + threads;
  const uint64_t needed = kMappingsPerStack * stacks + kMappingsPerThread * threads + kOwnMappings;
  if (limits.memory_mappings.value_or(needed) >= needed) return;
  warnings->push_back(
      {"memory mappings", absl::StrCat(*limits.memory_mappings), absl::StrCat(needed),
       absl::StrCat("executor.stacks = ", config.core.stacks, " on each of ", cores,
                    " cores, each with its guard page; blocking.threads_max = ", threads),
       "raise sysctl vm.max_map_count, lower the key, or run Linux 6.13, whose "
       "guards take none"});
}

void WarnOfThreads(const Config& config, size_t cores, const sys::MachineLimits& limits,
                   std::vector<LimitWarning>* warnings) {
  const uint64_t web = config.web.listen.empty() ? 0 : config.web.max_connections;
  const uint64_t needed =
      cores + config.blocking.threads_max + config.io.threads + web + kOwnThreads;
  if (limits.threads.value_or(needed) >= needed) return;
  warnings->push_back(
      {"threads", absl::StrCat(*limits.threads), absl::StrCat(needed),
       absl::StrCat("blocking.threads_max = ", config.blocking.threads_max,
                    ", web.max_connections = ", web, ", io.threads = ", config.io.threads, ", ",
                    cores, " cores; tasks of blocking handlers fail where none is granted"),
       "raise it (TasksMax= of the unit, the pids limit of the container, ulimit -u), or lower "
       "the keys"});
}

}  // namespace

int64_t MostFileTasks(const Config& config, size_t cores, const sys::MachineLimits& limits) {
  const auto stacks = static_cast<int64_t>(cores * config.core.stacks);
  if (!limits.open_files.has_value()) return stacks;
  const auto left = static_cast<int64_t>(*limits.open_files) -
                    static_cast<int64_t>(FilesWithoutTasks(config, cores));
  return std::clamp(left / FilePermits::kFilesPerTask, std::min(stacks, kLeastFileTasks), stacks);
}

std::vector<LimitWarning> LimitWarnings(const Config& config, size_t cores,
                                        const sys::MachineLimits& limits) {
  std::vector<LimitWarning> warnings;
  WarnOfFiles(config, cores, limits, &warnings);
  WarnOfMemory(config, cores, limits, &warnings);
  WarnOfCpus(cores, limits, &warnings);
  WarnOfMappings(config, cores, limits, &warnings);
  WarnOfThreads(config, cores, limits, &warnings);
  return warnings;
}

}  // namespace weft
