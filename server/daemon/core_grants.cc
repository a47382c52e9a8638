#include "daemon/core_grants.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/live_task.h"
#include "core/stack_pool.h"
#include "core/task_end.h"
#include "sys/memory.h"
#include "sys/thread.h"

namespace weft {
namespace {

constexpr std::string_view kSharedCpu = "the Door shares a CPU with a core";

std::string LimitText(const std::optional<uint64_t>& limit) {
  return limit.has_value() ? absl::StrCat(*limit) : "unlimited";
}

void WarnOfRealtime(const std::vector<CoreGrant>& cores, const sys::MachineLimits& limits,
                    std::vector<LimitWarning>* warnings) {
  for (const CoreGrant& core : cores) {
    if (core.realtime.ok()) continue;
    const bool is_limited = limits.realtime_priority.value_or(1) == 0;
    warnings->push_back(
        {"realtime priority", LimitText(limits.realtime_priority), "1",
         absl::StrCat("executor.realtime = true, but for ",
                      core.cpu == kAnyCpu ? "cores" : absl::StrCat("the core on CPU ", core.cpu),
                      ": ", std::string(core.realtime.message()),
                      "; without it they are ordinary threads"),
         is_limited ? "raise it (LimitRTPRIO=1 and RestrictRealtime=no of the unit, ulimit -r 1), "
                      "or give CAP_SYS_NICE"
                    : "allow it (RestrictRealtime=no of the unit; cpu.rt_runtime_us of the cgroup, "
                      "where the kernel shares out realtime by groups)"});
    return;
  }
}

void WarnOfLocks(const std::vector<CoreGrant>& cores, const sys::MachineLimits& limits,
                 std::vector<LimitWarning>* warnings) {
  uint64_t lockable = 0;
  uint64_t locked = 0;
  for (const CoreGrant& core : cores) {
    lockable += core.lockable_bytes;
    locked += core.locked_bytes;
  }
  if (locked == lockable) return;
  warnings->push_back({"locked memory in bytes", LimitText(limits.locked_bytes),
                       absl::StrCat(lockable),
                       absl::StrCat("executor.lock_memory = true, but ", lockable - locked,
                                    " bytes of slots and stacks could not be locked"),
                       "raise it (LimitMEMLOCK= of the unit, ulimit -l), give CAP_IPC_LOCK, or "
                       "lower executor.max_queue_depth or executor.stacks_kept"});
}

void WarnOfNodes(const std::vector<CoreGrant>& cores, std::vector<LimitWarning>* warnings) {
  for (const CoreGrant& core : cores) {
    if (core.off_node_bytes == 0) continue;
    warnings->push_back(
        {absl::StrCat("memory on NUMA node ", core.numa_node, " in bytes"),
         absl::StrCat(core.node_bytes - core.off_node_bytes), absl::StrCat(core.node_bytes),
         absl::StrCat("the core on CPU ", core.cpu,
                      " is to have its slots, queues and stacks there"),
         "leave memory of that node free, allow it (cpuset.mems of the cgroup, AllowedMemoryNodes= "
         "of the unit) and the call mbind, or name CPUs of other nodes in executor.cores"});
    return;
  }
}

absl::Status TryRealtime() {
  const absl::StatusOr<sys::Thread> thread =
      sys::Thread::Start({.name = "weft-try", .realtime = true}, [] {});
  return thread.ok() ? thread->realtime_status() : thread.status();
}

}  // namespace

std::string_view IdleName(IdlePolicy idle) {
  switch (idle) {
    case IdlePolicy::kSpin:
      return "spin";
    case IdlePolicy::kAdaptive:
      return "adaptive";
    case IdlePolicy::kSleep:
      return "sleep";
  }
  return "";
}

std::vector<CoreConcession> ConcedeCpus(bool door_shares_cpu, Config* config) {
  std::vector<CoreConcession> concessions;
  CoreOptions& core = config->core;
  const auto idle_becomes = [&](IdlePolicy idle, std::string_view reason) {
    concessions.push_back({"executor.idle", IdleName(core.idle), IdleName(idle), reason});
    core.idle = idle;
  };
  if (door_shares_cpu && core.idle != IdlePolicy::kSleep) {
    idle_becomes(IdlePolicy::kSleep, kSharedCpu);
  }
  if (door_shares_cpu && core.realtime) {
    concessions.push_back({"executor.realtime", "true", "false", kSharedCpu});
    core.realtime = false;
  }
  if (core.realtime && core.idle == IdlePolicy::kSpin) {
    idle_becomes(IdlePolicy::kAdaptive,
                 "a realtime core that never sleeps would take its whole CPU from the kernel");
  }
  return concessions;
}

uint64_t LockableBytes(const CoreOptions& options) {
  const uint64_t slots = options.all_slots();
  const uint64_t stacks = std::min(options.stacks, std::max(options.stacks_kept, 1u));
  return slots * (sizeof(LiveTask) + sizeof(TaskCold)) +
         stacks * StackPool::StrideOf(options.stack_bytes);
}

CoreGrant TryGrants(const Config& config, size_t cores) {
  CoreGrant grant;
  if (config.core.realtime) grant.realtime = TryRealtime();
  if (config.core.lock_memory) {
    grant.lockable_bytes = cores * LockableBytes(config.core);
    if (sys::MayLockMemory(grant.lockable_bytes)) grant.locked_bytes = grant.lockable_bytes;
  }
  return grant;
}

std::vector<LimitWarning> GrantWarnings(const std::vector<CoreGrant>& cores,
                                        const sys::MachineLimits& limits) {
  std::vector<LimitWarning> warnings;
  WarnOfRealtime(cores, limits, &warnings);
  WarnOfLocks(cores, limits, &warnings);
  WarnOfNodes(cores, &warnings);
  return warnings;
}

}  // namespace weft
