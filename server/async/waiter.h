#pragma once

#include <cstddef>
#include <cstdint>

#include "async/wait_result.h"
#include "executor/task_context.h"
#include "executor/task_host.h"

namespace weft {

class WaitList;

// A task that waits for what other tasks of its host do. Lives on the waiting task's stack, where
// it may be linked in one list. Host's thread only.
class Waiter {
 public:
  explicit Waiter(TaskContext& context) : context_(context) {}
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Suspends until Wake, and then leaves its list. kDone once it was woken, also if the task was
  // asked to stop meanwhile: what it was woken for is handed over.
  WaitResult Wait(int64_t until_ns);
  // Not more than once. It is out of its list from here on.
  void Wake();
  bool is_woken() const { return is_woken_; }
  TaskContext& context() const { return context_; }

  // What it waits for, as whoever wakes it understands it.
  uint64_t amount = 1;
  void* place = nullptr;

 private:
  friend class WaitList;

  TaskContext& context_;
  WaitList* list_ = nullptr;
  Waiter* next_ = nullptr;
  Waiter* previous_ = nullptr;
  bool is_woken_ = false;
};

// Those that wait for one thing, the longest first. Bounded by the tasks there are.
class WaitList {
 public:
  WaitList() = default;
  // Nobody waits any more.
  ~WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  Waiter* first() const { return first_; }

  void PushBack(Waiter& waiter) {
    waiter.list_ = this;
    waiter.previous_ = last_;
    waiter.next_ = nullptr;
    (last_ == nullptr ? first_ : last_->next_) = &waiter;
    last_ = &waiter;
    ++size_;
  }

  void Remove(Waiter& waiter) {
    (waiter.previous_ == nullptr ? first_ : waiter.previous_->next_) = waiter.next_;
    (waiter.next_ == nullptr ? last_ : waiter.next_->previous_) = waiter.previous_;
    waiter.list_ = nullptr;
    --size_;
  }

  // The first, woken; false when nobody waits.
  bool WakeFirst() {
    if (first_ == nullptr) return false;
    first_->Wake();
    return true;
  }
  // Those that wait now.
  void WakeAll() {
    while (WakeFirst()) {
    }
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  size_t size_ = 0;
};

inline Waiter::~Waiter() {
  if (list_ != nullptr) list_->Remove(*this);
}

inline WaitResult Waiter::Wait(int64_t until_ns) {
  while (!is_woken_) {
    const WakeReason reason = context_.Park(until_ns);
    if (is_woken_ || reason == WakeReason::kWoken) continue;
    if (list_ != nullptr) list_->Remove(*this);
    return WaitResultOf(reason);
  }
  return WaitResult::kDone;
}

inline void Waiter::Wake() {
  if (list_ != nullptr) list_->Remove(*this);
  is_woken_ = true;
  context_.Unpark();
}

// Whether the caller is a task that `host` runs on its own thread, as what belongs to it must be.
inline bool IsTaskOf(const TaskHost& host, TaskContext& context) {
  return host.IsHere() && &context.host() == &host;
}

}  // namespace weft
