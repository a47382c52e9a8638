#include "async/sync.h"

#include <algorithm>
#include <thread>

namespace weft {

RemoteCount::~RemoteCount() {
  while (sum_.load(std::memory_order_acquire) != 0) {
    if (host_.IsHere()) {
      host_.OpenMail();
    } else {
      std::this_thread::yield();
    }
  }
}

WaitResult Mutex::Lock(TaskContext& context, int64_t until_ns) {
  if (!IsTaskOf(host_, context) || owner_ == &context) return WaitResult::kElsewhere;
  if (TryLock(context)) return WaitResult::kDone;
  Waiter waiter(context);
  waiting_.PushBack(waiter);
  return waiter.Wait(until_ns);
}

bool Mutex::TryLock(TaskContext& context) {
  if (owner_ != nullptr || !IsTaskOf(host_, context)) return false;
  owner_ = &context;
  return true;
}

bool Mutex::Unlock(TaskContext& context) {
  if (owner_ != &context || !IsTaskOf(host_, context)) return false;
  Waiter* const next = waiting_.first();
  owner_ = next == nullptr ? nullptr : &next->context();
  waiting_.WakeFirst();
  return true;
}

WaitResult Semaphore::Acquire(TaskContext& context, uint64_t count, int64_t until_ns) {
  if (!IsTaskOf(host_, context) || count > most_) return WaitResult::kElsewhere;
  if (TryAcquire(count)) return WaitResult::kDone;
  Waiter waiter(context);
  waiter.amount = count;
  waiting_.PushBack(waiter);
  const WaitResult result = waiter.Wait(until_ns);
  // Those behind it may have waited for it alone.
  if (result != WaitResult::kDone) TakeBack(this, 0);
  return result;
}

bool Semaphore::TryAcquire(uint64_t count) {
  if (!host_.IsHere() || !waiting_.empty() || permits_ < count) return false;
  permits_ -= count;
  return true;
}

void Semaphore::TakeBack(void* self, uint64_t count) {
  auto& semaphore = *static_cast<Semaphore*>(self);
  semaphore.permits_ += std::min(count, semaphore.most_ - semaphore.permits_);
  while (!semaphore.waiting_.empty()) {
    const uint64_t wanted = semaphore.waiting_.first()->amount;
    if (wanted > semaphore.permits_) return;
    semaphore.permits_ -= wanted;
    semaphore.waiting_.WakeFirst();
  }
}

WaitResult Event::Wait(TaskContext& context, int64_t until_ns) {
  if (!IsTaskOf(host_, context)) return WaitResult::kElsewhere;
  if (is_set_) return WaitResult::kDone;
  Waiter waiter(context);
  waiting_.PushBack(waiter);
  return waiter.Wait(until_ns);
}

void Event::OnSet(void* self, uint64_t /*count*/) {
  auto& event = *static_cast<Event*>(self);
  event.is_set_ = true;
  event.waiting_.WakeAll();
}

}  // namespace weft
