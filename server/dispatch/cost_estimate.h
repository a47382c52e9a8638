#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "sys/clock.h"
#include "task/limits.h"

namespace weft {

// For how long a task of each handler may be expected to hold its core: a running average of those
// that ran, in ticks. The first sample is taken whole; the weight of the next falls from a half to
// 1/32, so that a cold first run is soon outweighed, and what has changed for good is followed
// within about a hundred tasks. Of a handler whose tasks differ, by their payloads, it is the
// average. Owned by the Dispatcher. Door thread only.
class CostEstimates {
 public:
  // A longer sample counts as this one: about a quarter of an hour, so that no sum of a queue's
  // charges overflows.
  static constexpr sys::Ticks kMost = sys::Ticks{1} << 42;

  // What takes less than short_ticks is short.
  explicit CostEstimates(sys::Ticks short_ticks) : short_(short_ticks << kFractionBits) {}

  // handler: TaskEntry::index. 0: nothing of it has run yet.
  sys::Ticks Of(uint16_t handler) const { return rows_[handler].average >> kFractionBits; }

  // Its tasks are known to be short: there are so many of them, or it matters so little, that some
  // tell as much as all.
  bool are_short(uint16_t handler) const { return rows_[handler].are_short; }

  // One task of the handler has held its core for so long, its suspensions not counted.
  void Learn(uint16_t handler, sys::Ticks held) {
    Row& row = rows_[handler];
    // At least a tick: 0 is what is not known.
    const int64_t sample = std::clamp(held, sys::Ticks{1}, kMost) << kFractionBits;
    if (row.samples == kSteady) [[likely]] {
      row.average += (sample - row.average) >> kLeastWeight;
      row.are_short = row.average < short_;
      return;
    }
    row.average = row.samples == 0
                      ? sample
                      : row.average + ((sample - row.average) >> std::bit_width(row.samples));
    ++row.samples;
  }

 private:
  // Of a tick, so that small differences add up.
  static constexpr int kFractionBits = 8;
  static constexpr int kLeastWeight = 5;  // 1/32.
  static constexpr uint32_t kSteady = 1 << (kLeastWeight - 1);

  struct Row {
    int64_t average = 0;  // In 2^-kFractionBits of a tick.
    uint32_t samples = 0;
    bool are_short = false;
  };

  const int64_t short_;  // Below that.
  std::array<Row, kMaxHandlers> rows_;
};

}  // namespace weft
