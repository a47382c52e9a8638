#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

// What a core's thread does when it has nothing to run.
enum class IdlePolicy : uint8_t {
  kSpin,      // Never sleeps: the lowest latency, one CPU spent.
  kAdaptive,  // Spins while work arrives more often than the spin budget, else sleeps.
  kSleep,     // Sleeps at once.
};

// How one core is built. Every bound is allocated for at Start.
struct CoreOptions {
  uint32_t index = 0;  // Place among the cores; the upper 8 bits of its tasks' ids.
  int cpu = -1;        // CPU number to pin to; -1: not pinned (tests).
  IdlePolicy idle = IdlePolicy::kAdaptive;
  uint32_t spin_us = 50;              // First spin budget; kAdaptive moves it between 0 and 200.
  uint32_t max_queue_depth = 10'000;  // Per level: admitted and not yet started, inbox included.
  uint32_t stacks = 256;              // Tasks that may be started and suspended at once.
  size_t stack_bytes = 64 * 1024;     // Usable bytes of each; rounded up to pages.
  size_t inbox_capacity = 4096;       // Messages; a power of two.
  size_t outbox_capacity = 4096;      // Completions; a power of two.
  uint32_t age_limit_ms = 100;
  uint32_t stall_threshold_ms = 100;
  uint32_t turn_budget = 64;   // Dispatches before inbox, timers and outbox are looked at again.
  uint32_t handler_count = 0;  // Rows of the per-handler statistics.
  uint32_t local_slots = 64;   // Task slots for Spawn from the core's own thread.
  size_t max_output_bytes = 4 * 1024 * 1024;
  bool timing_metrics = true;

  // Task slots the Door may claim: all that may be queued, started, or ended and not yet drained.
  uint32_t door_slots() const {
    return 3 * max_queue_depth + stacks + static_cast<uint32_t>(outbox_capacity);
  }
};

}  // namespace weft
