#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "task/priority.h"

namespace weft {

// What the Door knows of one core's work: its own counts, and the core's started counts as last
// read. The latter may be old, so depths err upwards, never down. Door thread only.
struct CoreLoad {
  using ByLevel = std::array<uint64_t, kPriorityCount>;

  ByLevel admitted{};             // Counted by the Door at Submit.
  ByLevel ended{};                // Counted by the Door when it drains the end.
  ByLevel ended_unstarted{};      // The part of ended that never started.
  ByLevel started{};              // Read from the core.
  uint64_t ended_per_second = 0;  // Over the last interval between two ticks.
  uint32_t queue_depth_max = 0;   // Of each level: the bound that admission keeps.
  bool slots_full = false;

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
};

}  // namespace weft
