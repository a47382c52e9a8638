#include "dispatch/active_cores.h"

namespace weft {

// So that the load which takes a core in, or a little less, does not park it again.
static_assert(ActiveCores::kLowBusyPercent < ActiveCores::kHighBusyPercent);
static_assert(ActiveCores::kUnparkLooks < ActiveCores::kParkLooks,
              "a core too few delays tasks, one too many does not");

ActiveCores::Decision ActiveCores::Look(const Load& load) {
  const bool is_high =
      load.busy_percent >= kHighBusyPercent * count_ || load.queued >= kHighQueued * count_;
  const bool is_low = load.busy_percent <= kLowBusyPercent * (count_ - 1) && load.queued < count_;
  high_looks_ = is_high && count_ < cores_ ? high_looks_ + 1 : 0;
  low_looks_ = is_low && count_ > least_ ? low_looks_ + 1 : 0;
  if (high_looks_ >= kUnparkLooks) {
    TryUnpark();
    return Decision::kUnpark;
  }
  if (low_looks_ < kParkLooks) return Decision::kStay;
  --count_;
  Restart();
  return Decision::kPark;
}

bool ActiveCores::TryUnpark() {
  if (count_ == cores_) return false;
  ++count_;
  Restart();
  return true;
}

}  // namespace weft
