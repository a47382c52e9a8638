#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "task/priority.h"

namespace weft {

// How much work is queued on one core, from what each task was expected to cost when it was
// admitted. Running sums of the charges are kept by level in the order of admission, which is the
// order in which tasks of a level start. So what has not started is charged what the youngest so
// many are, and nobody needs to know which those are: a start, an end and a cancel cost nothing
// here. Where tasks leave out of order (a cancel, a handler that is held, a task set aside for want
// of a stack) the sum is of as many others, until the queue has run dry; then it is exactly 0.
// Owned by the Dispatcher. Door thread only.
class WorkLedger {
 public:
  // queue_depth_max: no level ever has more tasks queued. What is not used commits no memory.
  explicit WorkLedger(uint32_t queue_depth_max)
      : mask_(std::bit_ceil(uint64_t{queue_depth_max}) - 1) {
    for (auto& level : before_) level = std::make_unique_for_overwrite<uint64_t[]>(mask_ + 1);
  }

  // Of the task that is admitted to the level after `admitted` others, which were all told of: the
  // sum of the charges of those.
  void Note(Priority priority, uint64_t admitted, uint64_t charged) {
    before_[static_cast<size_t>(priority)][admitted & mask_] = charged;
  }

  // Of `admitted` tasks, charged so much in sum, what all but the last `queued` were; queued: up to
  // queue_depth_max.
  uint64_t ChargedBefore(Priority priority, uint64_t admitted, uint64_t queued,
                         uint64_t charged) const {
    // A core whose counts are wrong, which is found elsewhere, must not lead beyond what was
    // written.
    const uint64_t known = std::min({queued, admitted, mask_ + 1});
    return known == 0 ? charged
                      : before_[static_cast<size_t>(priority)][(admitted - known) & mask_];
  }

 private:
  uint64_t mask_;
  std::unique_ptr<uint64_t[]> before_[kPriorityCount];  // By number of admission.
};

}  // namespace weft
