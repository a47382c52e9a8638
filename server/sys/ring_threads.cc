#include "sys/ring_threads.h"

#include <sys/uio.h>

#include <cerrno>

namespace weft::sys {

// False: a thread has to do it, and tells what is wrong with it, if anything.
bool ThreadRing::EndsAtOnce(IoOperation* operation) {
  operation->result = 0;
  if (operation->kind == IoKind::kNop) return true;
  if (IsHint(operation->kind)) return cache_.IsDone(operation);
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
    seat_.Start(operation);
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
  if (!seat_.Withdraw(operation)) return;
  operation->result = -ECANCELED;
  GiveBack(operation);
}

IoOperation* ThreadRing::Take() {
  if (taken_ == nullptr) taken_ = seat_.TakeAll();
  IoOperation* const operation = taken_;
  if (operation != nullptr) taken_ = operation->next;
  return operation;
}

}  // namespace weft::sys
