#include "sys/ring_threads.h"

#include <sys/uio.h>

#include <cerrno>
#include <optional>

#include "sys/awaited_call.h"

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

// Of what waits for others. False: the watch has it.
bool ThreadRing::Attempt(IoOperation* operation) {
  if (const std::optional<int64_t> result = TryAwaited(*operation)) {
    operation->result = *result;
    return true;
  }
  // Its cancel came when the watch had just given it back.
  operation->result = operation->cancel_asked ? -ECANCELED : watch_.Add(operation, &seat_);
  return operation->result != 0;
}

void ThreadRing::Start(IoOperation* operation) {
  if (WaitsForOthers(operation->kind)) {
    if (Attempt(operation)) ended_.Append(operation);
  } else if (operation->kind == IoKind::kResolve) {
    resolver_.Add(operation, &seat_);
  } else if (EndsAtOnce(operation)) {
    ended_.Append(operation);
  } else {
    seat_.Start(operation);
  }
}

bool ThreadRing::Withdraw(IoOperation* operation) {
  if (WaitsForOthers(operation->kind)) return watch_.Withdraw(operation);
  if (operation->kind == IoKind::kResolve) return resolver_.Withdraw(operation);
  // What was started in this very turn goes to the threads first, so that there is one case less.
  Submit();
  return seat_.Withdraw(operation);
}

void ThreadRing::Cancel(IoOperation* operation) {
  if (!Withdraw(operation)) return;
  operation->result = -ECANCELED;
  ended_.Append(operation);
}

// What the watch gave back goes to it again when the attempt fails; each is looked at once.
IoOperation* ThreadRing::Take() {
  if (IoOperation* const ended = ended_.Pop()) return ended;
  if (taken_ == nullptr) taken_ = seat_.TakeAll();
  while (IoOperation* const operation = taken_) {
    taken_ = operation->next;
    if (!WaitsForOthers(operation->kind) || Attempt(operation)) return operation;
  }
  return nullptr;
}

void ThreadRing::Shutdown() {
  watch_.Release(&seat_);
  resolver_.Release(&seat_);
  seat_.Release();
}

}  // namespace weft::sys
