#pragma once

#include <algorithm>
#include <cstdint>

#include "sys/clock.h"

namespace weft {

// The turn under way: when it began, how far it may go. Core thread only.
struct TurnLimits {
  sys::Ticks began = 0;
  sys::Ticks busy = 0;  // In turns that did something, of which CoreStats::busy_ns does not know.
  // What ReadyQueue::given() may come to, with room in the outbox for the ends of all of them.
  uint64_t given_until = 0;
  uint32_t budget_beyond = 0;  // Tasks that the budget allows beyond that.
  bool worked = false;         // Did the one before do anything?
  sys::Ticks end = 0;          // When the budget in time is spent.
  sys::Ticks look_again = 0;   // From when on a turn asks itself whether it is over.
};

// With timing off, when the clock is read: at one boundary in up to kMost while tasks are short, at
// each as soon as they are long. So it stands for that many long tasks only when they follow short
// ones. Core thread only.
class ClockPace {
 public:
  static constexpr uint32_t kMost = 16;

  // Another boundary: whether the clock is to be read.
  bool IsDue() { return --left_ == 0; }
  // It was. stretch: how long it had stood; short_of: what is too long.
  void Set(sys::Ticks stretch, sys::Ticks short_of) {
    length_ = stretch < short_of ? std::min(2 * length_, kMost) : 1;
    left_ = length_;
  }

 private:
  uint32_t left_ = 1;
  uint32_t length_ = 1;
};

}  // namespace weft
