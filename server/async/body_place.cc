#include "async/body_place.h"

#include "async/wait_at.h"

namespace weft {

WaitResult BodyPlace::Wait(TaskContext& context, int64_t until_ns) {
  const auto look = [this] { return is_woken() ? TryResult::kDone : TryResult::kWouldWait; };
  return WaitAt<RemoteWaiter>(seat_, context, until_ns, look, [this] { return !is_woken(); });
}

void BodyPlace::Wake(void* place_argument, uint64_t number) {
  auto& place = *static_cast<BodyPlace*>(place_argument);
  if (place.number_.load(std::memory_order_relaxed) != number) return;
  // A store would end what an earlier waker has released to the same poll.
  place.is_woken_.exchange(true, std::memory_order_acq_rel);
  place.seat_.WakeOne();
}

BodyPlace& BodyPlaces::Take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    // Room to come back is made here, so that GiveBack allocates nothing.
    free_.reserve(all_.size() + 1);
    return *all_.emplace_back(std::make_unique<BodyPlace>());
  }
  BodyPlace* const place = free_.back();
  free_.pop_back();
  return *place;
}

void BodyPlaces::GiveBack(BodyPlace& place) {
  place.Leave();
  const std::lock_guard lock(mutex_);
  free_.push_back(&place);
}

}  // namespace weft
