#pragma once

#include <algorithm>
#include <cstdint>

#include "sys/clock.h"

namespace weft {

// For how long a thread had no CPU while it did not mean to sleep: what passed by the clock, less
// what the thread's CPU clock counted. The latter costs a system call, so the two are read together
// now and then, and what was lost is known as of the last reading. Its thread only.
class OffCoreMeter {
 public:
  // A reading is too old when it is older.
  explicit OffCoreMeter(sys::Ticks age_max = sys::kTicksForever) : age_max_(age_max) {}

  // cpu_ns: what the thread's CPU clock says. Nothing is lost before the first reading.
  void Read(const sys::ClockAnchor& anchor, sys::Ticks now, int64_t cpu_ns) {
    if (since_ != sys::kTicksForever) {
      // The two clocks never agree quite.
      lost_ns_ += std::max<int64_t>(anchor.TicksToNs(now - since_) - (cpu_ns - cpu_ns_), 0);
    }
    since_ = now;
    cpu_ns_ = cpu_ns;
  }
  // The thread has slept ever since it was about to, at the last reading. What CPU the sleep itself
  // took, some microseconds, is then missing from what was lost up to the next.
  void EndSleep(sys::Ticks now) {
    if (since_ != sys::kTicksForever) since_ = now;
  }

  // From the first reading to the last. Never falls.
  int64_t lost_ns() const { return lost_ns_; }
  // Never before the first reading.
  bool IsTooOld(sys::Ticks now) const { return now - since_ > age_max_; }

 private:
  const sys::Ticks age_max_;
  sys::Ticks since_ = sys::kTicksForever;  // The last reading, or the end of the sleep after it.
  int64_t cpu_ns_ = 0;
  int64_t lost_ns_ = 0;
};

}  // namespace weft
