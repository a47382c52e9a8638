#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dispatch/receiver.h"
#include "sys/clock.h"

namespace weft {

// The receivers of one task's result, linked through themselves. Door thread only.
class WaiterList {
 public:
  // receiver is linked nowhere.
  void Push(ResultReceiver& receiver, DoorTask& task);
  // receiver is linked in this list.
  void Remove(ResultReceiver& receiver);
  // Null when empty.
  ResultReceiver* Pop();
  // If there is exactly one, and no limit to its wait; otherwise null.
  ResultReceiver* only() const {
    const bool is_only = head_ != nullptr && head_->next_ == nullptr &&
                         head_->deadline_place_ == ResultReceiver::kNoDeadline;
    return is_only ? head_ : nullptr;
  }
  bool empty() const { return head_ == nullptr; }

  // The task whose result it waits for; null: for none.
  static DoorTask* TaskOf(const ResultReceiver& receiver) { return receiver.task_; }

 private:
  ResultReceiver* head_ = nullptr;
};

// Those who wait for the acknowledgement of one task's cancel, linked through themselves. Door
// thread only.
class CancelList {
 public:
  // receiver is linked nowhere.
  void Push(CancelReceiver& receiver, DoorTask& task);
  // receiver is linked in this list. Walks the list: cancels of one task are few.
  void Remove(CancelReceiver& receiver);
  // Null when empty.
  CancelReceiver* Pop();
  bool empty() const { return head_ == nullptr; }

  // The task whose acknowledgement it waits for; null: for none.
  static DoorTask* TaskOf(const CancelReceiver& receiver) { return receiver.task_; }

 private:
  CancelReceiver* head_ = nullptr;
};

// When each wait elapses: a binary heap, so that adding and leaving cost O(log n) and looking
// nothing. Holds at most its capacity, allocated when that is set. Door thread only.
class WaitDeadlines {
 public:
  explicit WaitDeadlines(uint32_t capacity);

  // Those beyond a smaller capacity stay until they leave.
  void SetCapacity(uint32_t capacity);

  // receiver is not among them, and they are not full.
  void Add(ResultReceiver& receiver, sys::Ticks until);
  // False when it was not among them.
  bool Remove(ResultReceiver& receiver) {
    return receiver.deadline_place_ != ResultReceiver::kNoDeadline && TakeOut(receiver);
  }
  // The receiver whose wait elapsed first at now, taken out; null when there is none.
  ResultReceiver* TakeElapsed(sys::Ticks now);

  // sys::kTicksForever when empty.
  sys::Ticks next() const { return heap_.empty() ? sys::kTicksForever : heap_[0]->wait_until_; }
  size_t size() const { return heap_.size(); }
  bool full() const { return heap_.size() >= capacity_; }

 private:
  bool TakeOut(ResultReceiver& receiver);
  void Place(ResultReceiver* receiver, size_t place);
  void SiftUp(size_t place);
  void SiftDown(size_t place);

  uint32_t capacity_ = 0;
  std::vector<ResultReceiver*> heap_;
};

}  // namespace weft
