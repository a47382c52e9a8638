#include "dispatch/waiters.h"

#include <cassert>

namespace weft {

void WaiterList::Push(ResultReceiver& receiver, DoorTask& task) {
  assert(receiver.task_ == nullptr);
  receiver.task_ = &task;
  receiver.previous_ = nullptr;
  receiver.next_ = head_;
  if (head_ != nullptr) head_->previous_ = &receiver;
  head_ = &receiver;
}

void WaiterList::Remove(ResultReceiver& receiver) {
  if (receiver.previous_ != nullptr) {
    receiver.previous_->next_ = receiver.next_;
  } else {
    assert(head_ == &receiver);
    head_ = receiver.next_;
  }
  if (receiver.next_ != nullptr) receiver.next_->previous_ = receiver.previous_;
  receiver.next_ = nullptr;
  receiver.previous_ = nullptr;
  receiver.task_ = nullptr;
}

ResultReceiver* WaiterList::Pop() {
  ResultReceiver* receiver = head_;
  if (receiver != nullptr) Remove(*receiver);
  return receiver;
}

void CancelList::Push(CancelReceiver& receiver, DoorTask& task) {
  assert(receiver.task_ == nullptr);
  receiver.task_ = &task;
  receiver.next_ = head_;
  head_ = &receiver;
}

void CancelList::Remove(CancelReceiver& receiver) {
  CancelReceiver** link = &head_;
  while (*link != &receiver) {
    assert(*link != nullptr);
    link = &(*link)->next_;
  }
  *link = receiver.next_;
  receiver.next_ = nullptr;
  receiver.task_ = nullptr;
}

CancelReceiver* CancelList::Pop() {
  CancelReceiver* receiver = head_;
  if (receiver != nullptr) Remove(*receiver);
  return receiver;
}

WaitDeadlines::WaitDeadlines(uint32_t capacity) { SetCapacity(capacity); }

void WaitDeadlines::SetCapacity(uint32_t capacity) {
  capacity_ = capacity;
  heap_.reserve(capacity);
}

void WaitDeadlines::Add(ResultReceiver& receiver, sys::Ticks until) {
  assert(!full());
  assert(receiver.deadline_place_ == ResultReceiver::kNoDeadline);
  receiver.wait_until_ = until;
  heap_.push_back(&receiver);
  Place(&receiver, heap_.size() - 1);
  SiftUp(heap_.size() - 1);
}

bool WaitDeadlines::TakeOut(ResultReceiver& receiver) {
  const size_t place = receiver.deadline_place_;
  receiver.deadline_place_ = ResultReceiver::kNoDeadline;
  ResultReceiver* last = heap_.back();
  heap_.pop_back();
  if (last == &receiver) return true;
  Place(last, place);
  SiftUp(place);
  SiftDown(last->deadline_place_);
  return true;
}

ResultReceiver* WaitDeadlines::TakeElapsed(sys::Ticks now) {
  if (next() > now || heap_.empty()) return nullptr;
  ResultReceiver* receiver = heap_[0];
  Remove(*receiver);
  return receiver;
}

void WaitDeadlines::Place(ResultReceiver* receiver, size_t place) {
  heap_[place] = receiver;
  receiver->deadline_place_ = static_cast<uint32_t>(place);
}

void WaitDeadlines::SiftUp(size_t place) {
  ResultReceiver* receiver = heap_[place];
  while (place > 0) {
    const size_t parent = (place - 1) / 2;
    if (heap_[parent]->wait_until_ <= receiver->wait_until_) break;
    Place(heap_[parent], place);
    place = parent;
  }
  Place(receiver, place);
}

void WaitDeadlines::SiftDown(size_t place) {
  ResultReceiver* receiver = heap_[place];
  while (2 * place + 1 < heap_.size()) {
    size_t child = 2 * place + 1;
    if (child + 1 < heap_.size() && heap_[child + 1]->wait_until_ < heap_[child]->wait_until_) {
      ++child;
    }
    if (receiver->wait_until_ <= heap_[child]->wait_until_) break;
    Place(heap_[child], place);
    place = child;
  }
  Place(receiver, place);
}

}  // namespace weft
