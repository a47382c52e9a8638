#include "core/io_queue.h"

#include <cerrno>

namespace weft {

static_assert(sys::kIoLevelCount == kPriorityCount);

void IoQueue::Start(sys::IoOperation* operation, Priority priority) {
  operation->priority = static_cast<uint8_t>(priority);
  operation->result = 0;
  operation->cancel_asked = false;
  ++busy_;
  if (sys::TakesNoEntry(operation->kind)) {
    operation->in_queue = false;
    ++awaited_;
    ring_->Start(operation);
  } else if (under_way_ < ring_->capacity()) {
    operation->in_queue = false;
    Begin(operation);
  } else {
    operation->in_queue = true;
    waiting_.Append(operation);
    stats_.io.entry_waits.Add(1);
  }
}

void IoQueue::Begin(sys::IoOperation* operation) {
  ++under_way_;
  ring_->Start(operation);
}

void IoQueue::Cancel(sys::IoOperation* operation) {
  if (operation->cancel_asked) return;
  operation->cancel_asked = true;
  if (!operation->in_queue) {
    ring_->Cancel(operation);
    return;
  }
  waiting_.Remove(operation);
  operation->result = -ECANCELED;
  ended_.Append(operation);
}

sys::IoOperation* IoQueue::Take() {
  sys::IoOperation* operation = ended_.Pop();
  if (operation == nullptr) {
    operation = ring_->Take();
    if (operation == nullptr) return nullptr;
    CountEnd(*operation);
    if (sys::TakesNoEntry(operation->kind)) {
      --awaited_;
    } else {
      --under_way_;
      if (busy_ - 1 > under_way_ + awaited_) BeginNext();  // Others wait.
    }
  }
  --busy_;
  return operation;
}

void IoQueue::BeginNext() {
  sys::IoOperation* const next = waiting_.Pop();
  if (next == nullptr) return;
  next->in_queue = false;
  Begin(next);
}

void IoQueue::CountEnd(const sys::IoOperation& operation) {
  const size_t kind = static_cast<size_t>(operation.kind);
  stats_.io.operations[kind].Add(1);
  if (operation.result < 0) stats_.io.failures[kind].Add(1);
}

void IoQueue::Submit() {
  ring_->Submit();
  stats_.io.enters.Set(static_cast<int64_t>(ring_->enters()));
  Publish();
}

void IoQueue::Publish() {
  stats_.io.in_flight.Set(under_way_);
  stats_.io.awaited.Set(awaited_);
  stats_.io.waiting.Set(static_cast<int64_t>(busy_ - under_way_ - awaited_));
}

}  // namespace weft
