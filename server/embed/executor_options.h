#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "core/options.h"
#include "sys/options.h"

namespace weft {

// How an embedded executor is built; the defaults serve. All that the bounds ask for is allocated
// when it is made.
struct ExecutorOptions {
  uint32_t tasks = 1024;  // Live at once that were spawned on its own thread; 1 to 1,000,000.
  uint32_t remote_tasks = 1024;    // The same of those spawned by other threads.
  uint32_t stacks = 256;           // Of them, started and suspended at once; 1 to 1,000,000.
  size_t stack_bytes = 64 * 1024;  // Of each, 16 KiB to 64 MiB.
  IdlePolicy idle = IdlePolicy::kAdaptive;  // What a thread does that has nothing to run.
  bool timing = true;  // Off: a task costs less, and the clock is as old as 16 tasks.
  IoOptions io;  // File operations: backend, 8 to 4,096 entries of the ring, 1 to 256 threads.
};

// InvalidArgument names the first field that is out of range, its value and what is right.
absl::Status CheckExecutorOptions(const ExecutorOptions& options);

// As a core understands them.
CoreOptions CoreOptionsOf(const ExecutorOptions& options);

// What is still held when a quiesce has run out of time; all zero: it succeeded.
struct HeldTasks {
  uint64_t live = 0;     // Tasks that have not ended.
  uint64_t handles = 0;  // Handles of tasks that have.

  bool is_none() const { return live + handles == 0; }
};

}  // namespace weft
