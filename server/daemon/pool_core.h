#pragma once

#include "config/config.h"
#include "core/options.h"

namespace weft {

// How the blocking pool's core is built, but for its index and handler_count. It runs on the
// front's CPUs, and its tasks on threads: it has a stack for each that may run at once, and needs
// little of it; its wakes cost more than what passes through its queues.
CoreOptions PoolCoreOptions(const Config& config);

}  // namespace weft
