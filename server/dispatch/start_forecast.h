#pragma once

#include <cstdint>

#include "dispatch/cost_estimate.h"
#include "sys/clock.h"

namespace weft {

// DoorTask::expected_wait: ticks from a task's submission to its start, as foretold then; less than
// 0 for those from which nothing is learned when they end.
inline constexpr float kNotForetold = -1;
// It is learned from each task that has a deadline, or whose handler is new or has tasks that are
// not short (StartForecast::kShortNs); of the others from one in so many of a level.
inline constexpr uint64_t kForetoldEvery = 16;

// What predictions of starts are made of, beside the loads of the cores. Owned by the Dispatcher.
// Door thread only.
struct StartForecast {
  // Between two looks at what a core runs.
  static constexpr int64_t kLookNs = 20'000;
  static constexpr int64_t kShortNs = 5'000;

  explicit StartForecast(const sys::ClockAnchor& anchor)
      : look_ticks(anchor.NsToTicks(kLookNs)), costs(anchor.NsToTicks(kShortNs)) {}

  const sys::Ticks look_ticks;
  CostEstimates costs;
};

}  // namespace weft
