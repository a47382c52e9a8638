#pragma once

#include <algorithm>

#include "core/options.h"
#include "sys/clock.h"

namespace weft {

// How long to spin before sleeping. Waking a sleeping CPU costs tens of microseconds, a spinning
// one nothing, so spinning pays when work comes again within the time a wake would take. One thread
// only: its owner's.
class IdleBudget {
 public:
  static constexpr int64_t kMaxSpinUs = 200;

  // first, most: ticks; first is the configured budget, most what kAdaptive may grow it to.
  IdleBudget(IdlePolicy policy, sys::Ticks first, sys::Ticks most)
      : policy_(policy), most_(std::max(first, most)), spin_(first) {}

  // From now on no work is expected, whatever the policy, until that is taken back.
  void set_resting(bool resting) { resting_ = resting; }

  // Ticks to spin before the next sleep.
  sys::Ticks spin() const {
    if (resting_) return 0;
    if (policy_ == IdlePolicy::kSpin) return sys::kTicksForever;
    return policy_ == IdlePolicy::kSleep ? 0 : spin_;
  }

  // Work came after `gap` ticks of idleness. A gap that spinning can bridge draws the budget to
  // twice that gap; a longer one lets it shrink by a quarter, so that rare work stops costing CPU.
  void WorkCameAfter(sys::Ticks gap) {
    if (policy_ != IdlePolicy::kAdaptive) return;
    if (gap <= most_) {
      spin_ = std::max(spin_ - spin_ / 8, std::min(most_, 2 * gap));
    } else {
      spin_ -= spin_ / 4;
    }
  }

 private:
  IdlePolicy policy_;
  sys::Ticks most_;
  sys::Ticks spin_;
  bool resting_ = false;
};

}  // namespace weft
