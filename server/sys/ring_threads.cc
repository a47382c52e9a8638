#include "sys/ring_threads.h"

#include <sys/uio.h>

#include <cerrno>

namespace weft::sys {

// False: a thread has to do it, and tells what is wrong with it, if anything.
bool ThreadRing::EndsAtOnce(IoOperation* operation) {
  operation->result = 0;
  if (operation->kind == IoKind::kNop) return true;
  if (operation->kind == IoKind::kReadAhead) {
    return cache_.Holds(operation->fd, operation->offset, operation->bytes);
  }
  if (operation->kind != IoKind::kRead) return false;
  const iovec buffer = {operation->data, operation->bytes};
  operation->result =
      ::preadv2(operation->fd, &buffer, 1, static_cast<off_t>(operation->offset), RWF_NOWAIT);
  return operation->result >= 0;
}

void ThreadRing::Start(IoOperation* operation) {
  if (EndsAtOnce(operation)) {
    GiveBack(operation);
  } else {
    started_.Append(operation);
  }
}

// In front: order among completions means nothing.
void ThreadRing::GiveBack(IoOperation* operation) {
  operation->next = taken_;
  taken_ = operation;
}

void ThreadRing::Cancel(IoOperation* operation) {
  // What was started in this very turn goes to the threads first, so that there is one case less.
  Submit();
  if (!pool_.Withdraw(operation)) return;
  operation->result = -ECANCELED;
  GiveBack(operation);
}

void ThreadRing::Submit() {
  if (!started_.empty()) pool_.Push(this, &started_);
}

IoOperation* ThreadRing::Take() {
  if (taken_ == nullptr) taken_ = finished_.TakeAll();
  IoOperation* const operation = taken_;
  if (operation != nullptr) taken_ = operation->next;
  return operation;
}

void ThreadRing::Complete(IoOperation* operation) {
  finished_.Push(operation);
  if (waker_.wake != nullptr) waker_.wake(waker_.argument);
}

void ThreadRing::Shutdown() { pool_.Release(this); }

}  // namespace weft::sys
