#include "daemon/pool_core.h"

namespace weft {

CoreOptions PoolCoreOptions(const Config& config) {
  constexpr size_t kStackBytes = 32 * 1024;
  constexpr size_t kMailCapacity = 256;
  CoreOptions options = config.core;
  options.cpu = -1;
  options.idle = IdlePolicy::kSleep;
  options.spin_us = 0;
  options.max_queue_depth = config.dispatch.blocking_queue_depth;
  options.stacks = config.blocking.threads_max;
  options.stack_bytes = kStackBytes;
  options.inbox_capacity = kMailCapacity;
  options.outbox_capacity = kMailCapacity;
  options.local_slots = 0;
  options.remote_slots = 0;
  options.tasks_max = 0;
  options.stacks_kept = options.stacks;
  options.realtime = false;
  options.lock_memory = false;
  options.blocking = config.blocking;
  return options;
}

}  // namespace weft
