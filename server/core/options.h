#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace weft {

// What a core's thread does when it has nothing to run.
enum class IdlePolicy : uint8_t {
  kSpin,      // Never sleeps: the lowest latency, one CPU spent.
  kAdaptive,  // Spins while work arrives more often than the spin budget, else sleeps.
  kSleep,     // Sleeps at once.
};

// How much a core runs in one turn before it looks at inbox, timers and outbox again.
struct TurnBudget {
  static constexpr uint32_t kMostPolls = 65'536;
  static constexpr uint32_t kMostMicroseconds = 100'000;

  uint32_t polls = 64;  // Tasks started, resumed or set aside; 1 to kMostPolls.
  // Above 0 it counts instead of polls, up to kMostMicroseconds: the turn ends after the task that
  // reaches it. With timing off, and short tasks before, up to ClockPace::kMost - 1 tasks later.
  uint32_t microseconds = 0;

  bool operator==(const TurnBudget&) const = default;
};
static_assert(sizeof(TurnBudget) == 8, "a core reads it as one atomic word");

// What one turn takes before it runs tasks: bounds how long a ready task waits for that, and is
// large enough that the inbox cannot hide urgent work behind other work for long.
struct TurnIntake {
  static constexpr size_t kMostMessages = 4096;
  static constexpr size_t kMostTimers = 1024;
  static constexpr size_t kMostIo = 1024;  // Finished file operations.
  static constexpr size_t kMostMail = 1024;
};

// The blocking pool: threads that its core has handlers run on. See BlockingPool.
struct BlockingOptions {
  uint32_t threads_max = 0;          // Tasks that run at once; 0: the core is not the pool's.
  int64_t idle_ns = 10'000'000'000;  // A thread without work for so long ends.
};

// How one core is built. Every bound is allocated for at Start.
struct CoreOptions {
  uint32_t index = 0;          // Place among the cores; the upper 8 bits of its tasks' ids.
  int cpu = -1;                // CPU number to pin to; -1: not pinned (tests).
  uint32_t package = 0;        // Where that CPU sits; only told.
  uint32_t numa_node = 0;      // Likewise, but for the next.
  bool keeps_to_node = false;  // Its memory is to be on that node: the machine has several.
  IdlePolicy idle = IdlePolicy::kAdaptive;
  uint32_t spin_us = 50;              // First spin budget; kAdaptive moves it between 0 and 200.
  uint32_t max_queue_depth = 10'000;  // Per level: admitted and not yet started, inbox included.
  uint32_t stacks = 256;              // Tasks that may be started and suspended at once.
  size_t stack_bytes = 64 * 1024;     // Usable bytes of each; rounded up to pages.
  uint32_t stacks_kept = 256;         // Spare ones whose memory is kept; the rest is given back.
  size_t inbox_capacity = 4096;       // Messages; a power of two.
  size_t outbox_capacity = 4096;      // Completions; a power of two.
  bool realtime = false;              // SCHED_FIFO for the core's thread, best effort.
  bool lock_memory = false;           // Slots and stacks_kept stacks, best effort.
  uint32_t age_limit_ms = 100;
  uint32_t stall_threshold_ms = 100;
  TurnBudget budget;           // The first; Core::SetBudget changes it.
  uint32_t handler_count = 0;  // Rows of the per-handler statistics.
  uint32_t local_slots = 64;   // Task slots for Spawn from the core's own thread.
  uint32_t remote_slots = 64;  // The same for SpawnRemote from other threads.
  uint32_t tasks_max = 0;      // Above 0: the Door's slots, when the other bounds ask for more.
  size_t max_output_bytes = 4 * 1024 * 1024;
  bool timing_metrics = true;
  BlockingOptions blocking;

  // Whether its tasks run on threads of their own.
  bool is_pool() const { return blocking.threads_max > 0; }
  // Task slots the Door may claim: all that may be queued, started, or ended and not yet drained.
  uint32_t door_slots() const {
    const uint32_t all = 3 * max_queue_depth + stacks + static_cast<uint32_t>(outbox_capacity);
    return tasks_max > 0 ? std::min(all, tasks_max) : all;
  }
  uint32_t all_slots() const { return door_slots() + local_slots + remote_slots; }
};

}  // namespace weft
