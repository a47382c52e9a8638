#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dispatch/execution_window.h"
#include "dispatch/payload.h"
#include "dispatch/receiver.h"
#include "task/plain_result.h"
#include "task/priority.h"

namespace weft {

// Ends of one core's tasks that are told together: plain, of one message and level, with one
// gatherer. What each alone would cost is done once for them all. Owned by the Dispatcher. Door
// thread only.
class GatheredEnds {
 public:
  static constexpr size_t kMax = 32;

  size_t count() const { return count_; }
  // Whether an end of these may be added.
  bool Takes(const ResultGatherer* gatherer, const PayloadBlock* block, Priority priority) const {
    return count_ == 0 ||
           (count_ < kMax && gatherer == gatherer_ && block == block_ && priority == priority_);
  }
  // receiver is linked nowhere and has a gatherer.
  void Add(ResultReceiver& receiver, PayloadBlock& block, Priority priority, size_t held_bytes,
           const PlainResult& result) {
    gatherer_ = receiver.gatherer();
    block_ = &block;
    priority_ = priority;
    held_bytes_ += held_bytes;
    output_bytes_ += result.output.size();
    sums_.Add(static_cast<uint64_t>(result.completed_at_ns - result.started_at_ns), true);
    receivers_[count_] = &receiver;
    results_[count_++] = result;
  }

  Priority priority() const { return priority_; }
  // What counted in limits.max_in_flight_bytes.
  size_t held_bytes() const { return held_bytes_; }
  const ExecutionSums& sums() const { return sums_; }
  // Tells them all.
  void Tell(uint32_t cpu) {
    gatherer_->OnResults({std::span(results_).first(count_), output_bytes_, cpu, priority_},
                         std::span(receivers_).first(count_));
  }
  // After Tell: the payloads may go, and there are none.
  void Clear() {
    block_->Release(static_cast<uint32_t>(count_));
    count_ = held_bytes_ = output_bytes_ = 0;
    sums_ = {};
  }

 private:
  ResultGatherer* gatherer_ = nullptr;
  PayloadBlock* block_ = nullptr;
  Priority priority_ = Priority::kNormal;
  size_t count_ = 0;
  size_t held_bytes_ = 0;
  size_t output_bytes_ = 0;
  ExecutionSums sums_;
  std::array<ResultReceiver*, kMax> receivers_{};
  std::array<PlainResult, kMax> results_;
};

}  // namespace weft
