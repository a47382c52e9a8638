#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sys/clock.h"
#include "task/priority.h"

namespace weft {

// What the Door knows of one core's work: its own counts, and the core's started counts as last
// read. The latter may be old, so depths and work err upwards, never down. Door thread only.
struct CoreLoad {
  using ByLevel = std::array<uint64_t, kPriorityCount>;

  ByLevel admitted{};             // Counted by the Door at Submit.
  ByLevel ended{};                // Counted by the Door when it drains the end.
  ByLevel ended_unstarted{};      // The part of ended that never started.
  ByLevel started{};              // Read from the core.
  ByLevel charged{};              // Ticks that all tasks ever admitted were expected to take.
  ByLevel charged_gone{};         // The part of those that are no longer queued, as last seen.
  sys::Ticks busy_until = 0;      // Until then what ran at the last look is expected to go on.
  sys::Ticks looked_at = 0;       // When it was last seen what runs.
  uint64_t held = 0;              // Then: tasks that stay queued as their handler is paused.
  uint64_t ended_per_second = 0;  // Over the last interval between two ticks.
  uint32_t queue_depth_max = 0;   // Of each level: the bound that admission keeps.
  bool slots_full = false;
  bool runs_unknown = false;  // What ran at the last look is of a handler without an estimate.

  bool HasRoom(Priority priority) const {
    return !slots_full && Queued(priority) < queue_depth_max;
  }

  // Admitted and not yet started, the inbox included.
  uint64_t Queued(Priority priority) const {
    const auto level = static_cast<size_t>(priority);
    return admitted[level] - started[level] - ended_unstarted[level];
  }

  // Admitted and not yet ended.
  uint64_t InFlight() const {
    uint64_t sum = 0;
    for (size_t level = 0; level < kPriorityCount; ++level) sum += admitted[level] - ended[level];
    return sum;
  }

  // Whether anything has started and not ended.
  bool HasStarted() const {
    uint64_t sum = 0;
    for (size_t level = 0; level < kPriorityCount; ++level) {
      sum += started[level] + ended_unstarted[level] - ended[level];
    }
    return static_cast<int64_t>(sum) > 0;
  }

  uint64_t Ended() const { return ended[0] + ended[1] + ended[2]; }

  // Tasks that a new one of that priority finds before it: queued at its level or above, and all
  // that have started, whatever their level.
  uint64_t Ahead(Priority priority) const {
    uint64_t sum = 0;
    for (size_t level = 0; level < kPriorityCount; ++level) {
      if (level <= static_cast<size_t>(priority)) {
        sum += admitted[level] - ended[level];
        continue;
      }
      const uint64_t ended_started = ended[level] - ended_unstarted[level];
      if (started[level] > ended_started) sum += started[level] - ended_started;
    }
    return sum;
  }

  // Ticks after which a new task of that priority is expected to start: what is queued at its level
  // or above, and what runs, whatever its level. A prediction, for the future is not known: neither
  // what comes in later at a higher level, nor the share that age gives to lower ones, nor when a
  // suspended task wants its core again (those that have started cost nothing here unless they run,
  // as a suspended one may be away for long and one that yields goes behind the queue). What runs
  // is expected to go on for the rest of its handler's estimate; once it is beyond that, for as
  // long as it is beyond already. Handlers without an estimate cost nothing.
  uint64_t WorkAhead(Priority priority, sys::Ticks now) const {
    uint64_t sum = LeftOfRun(now);
    for (size_t level = 0; level <= static_cast<size_t>(priority); ++level) sum += Work(level);
    return sum;
  }

  // Ticks after which a sixteenth of what is queued at that level is expected to have started; 0 if
  // there is no telling.
  uint64_t UntilRoom(Priority priority, sys::Ticks now) const {
    const auto own = static_cast<size_t>(priority);
    if (runs_unknown || Work(own) == 0) return 0;
    uint64_t sum = LeftOfRun(now) + Work(own) / 16;
    for (size_t level = 0; level < own; ++level) sum += Work(level);
    return sum;
  }

 private:
  // Ticks that what is queued is expected to take. The sums wrap, as only differences matter.
  uint64_t Work(size_t level) const { return charged[level] - charged_gone[level]; }
  uint64_t LeftOfRun(sys::Ticks now) const {
    return busy_until > now ? static_cast<uint64_t>(busy_until - now) : 0;
  }
};

}  // namespace weft
