#pragma once

#include <algorithm>
#include <cstdint>

#include "metrics/histogram.h"

namespace weft {

// How long tasks of one handler and level usually run on one core, to find those that took far
// longer: beyond kTimes what nine of ten stay within, as of all that ran so far. What is usual is
// learned from the histogram of the runs, when one is marked and when the owner finds the time, so
// that a usual task costs a comparison. Owned as that histogram is; its owner's thread only.
class UsualTime {
 public:
  // What is shorter is never called long.
  static constexpr uint64_t kLeastNs = 50'000;
  // What is usual takes so many tasks to tell.
  static constexpr uint64_t kFewest = 32;
  static constexpr uint64_t kTimes = 4;

  // Whether IsFarExceeded is to be asked.
  bool Marks(uint64_t ran_ns) const { return ran_ns > mark_ns_; }

  // ran_ns: is marked and has just been recorded. Moves the mark to where it belongs.
  bool IsFarExceeded(const Histogram& execution, uint64_t ran_ns) {
    if (++looks_ <= 2 * kFewest || looks_ % kLooksPerLesson == 0) Learn(execution);
    return is_known_ && Marks(ran_ns);
  }
  // Moves the mark as well: tasks that have become shorter are no longer marked, and so teach
  // nothing by themselves.
  void Learn(const Histogram& execution) {
    const HistogramSnapshot snapshot = execution.Snapshot();
    is_known_ = snapshot.count >= kFewest;
    if (is_known_) mark_ns_ = std::max(kLeastNs, kTimes * snapshot.QuantileBound(0.9));
  }

 private:
  // To learn costs about as much as reading two clocks.
  static constexpr uint64_t kLooksPerLesson = 16;

  uint64_t mark_ns_ = kLeastNs;
  uint64_t looks_ = 0;
  bool is_known_ = false;
};

}  // namespace weft
