#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "config/config.h"
#include "daemon/limit_warnings.h"
#include "sys/machine_limits.h"

namespace weft {

// What the configuration asks of cores that cannot be, and what it becomes.
struct CoreConcession {
  std::string_view key;
  std::string_view from;
  std::string_view to;
  std::string_view reason;
};

// Changes config so that a core that never sleeps, or is ahead of all others, takes no CPU that
// others need: the Door's, when it shares one with a core, and a whole one under SCHED_FIFO. Tells
// each change. Pure.
std::vector<CoreConcession> ConcedeCpus(bool door_shares_cpu, Config* config);

// Of a grant that stands for all cores.
inline constexpr int kAnyCpu = -1;

// What executor.realtime and executor.lock_memory, and on a machine of several NUMA nodes each
// start, asked of the machine for one core and did not get.
struct CoreGrant {
  int cpu = kAnyCpu;
  absl::Status realtime;
  uint64_t lockable_bytes = 0;
  uint64_t locked_bytes = 0;
  // Of its memory that is to be on its CPU's NUMA node, and of the part that is not.
  uint32_t numa_node = 0;
  uint64_t node_bytes = 0;
  uint64_t off_node_bytes = 0;
};

// What lock_memory would lock for one core of such options. Pure.
uint64_t LockableBytes(const CoreOptions& options);

// What a start with this configuration and so many cores would get of the two, tried for a moment:
// a thread, and memory that nobody touches. One for all cores. Asks for what is configured only.
CoreGrant TryGrants(const Config& config, size_t cores);

// A warning for each of the three that some core did not get. Pure.
std::vector<LimitWarning> GrantWarnings(const std::vector<CoreGrant>& cores,
                                        const sys::MachineLimits& limits);

std::string_view IdleName(IdlePolicy idle);

}  // namespace weft
