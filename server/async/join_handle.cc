#include "async/join_handle.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace weft {

absl::Status TaskHandle::AwaitEnd(TaskContext* context, int64_t until_ns) {
  if (frame_ == nullptr) {
    return absl::FailedPreconditionError("the handle has no task: it was joined or detached");
  }
  if (frame_->has_ended()) return absl::OkStatus();
  if (context == nullptr && (TaskHost::IsTurning() || home_->IsHere())) {
    return absl::FailedPreconditionError(
        "a thread that runs tasks must not block: join with the context of a task");
  }
  if (context != nullptr && frame_->IsRunIn(*context)) {
    return absl::FailedPreconditionError("a task must not wait for itself");
  }
  std::optional<RemoteWaiter> waiter;
  if (context == nullptr) {
    waiter.emplace();
  } else {
    waiter.emplace(*context);
  }
  if (!frame_->Await(*waiter)) {
    if (frame_->has_ended()) return absl::OkStatus();
    return absl::FailedPreconditionError("somebody else waits for the task");
  }
  const WaitResult result = waiter->Wait(until_ns);
  if (result == WaitResult::kDone) return absl::OkStatus();
  if (!frame_->Withdraw(*waiter)) {
    waiter->AwaitNotify();
    return absl::OkStatus();
  }
  if (result == WaitResult::kCancelled) {
    return absl::CancelledError("whoever joined was asked to stop");
  }
  return absl::DeadlineExceededError("the task has not ended yet");
}

absl::Status TaskHandle::End() const {
  if (!is_attached()) return absl::FailedPreconditionError("the handle has no task");
  if (!has_ended()) return absl::FailedPreconditionError("the task has not ended");
  switch (frame_->end()) {
    case FrameEnd::kThrew:
      return absl::InternalError(absl::StrCat("the task threw: ", frame_->error()));
    case FrameEnd::kCancelled:
      return absl::CancelledError("the task was aborted before it began");
    case FrameEnd::kNoThread:
      return absl::ResourceExhaustedError("the system granted no thread for the task");
    case FrameEnd::kStopped:
      return absl::UnavailableError("the executor stopped before the task ended");
    case FrameEnd::kNone:
    case FrameEnd::kValue:
      break;
  }
  return absl::OkStatus();
}

}  // namespace weft
