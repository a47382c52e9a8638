#pragma once

#include <cstdint>

#include "sys/clock.h"

namespace weft {

// How far the turn under way may go. Core thread only.
struct TurnLimits {
  // What ReadyQueue::given() may come to, with room in the outbox for the ends of all of them.
  uint64_t given_until = 0;
  uint32_t budget_beyond = 0;  // Tasks that the budget allows beyond that.
  sys::Ticks end = 0;          // When the budget in time is spent.
  sys::Ticks look_again = 0;   // From when on a turn asks itself whether it is over.
};

}  // namespace weft
