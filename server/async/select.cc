#include "async/select.h"

#include <array>
#include <optional>

#include "absl/strings/str_cat.h"
#include "async/remote_waiter.h"
#include "async/wait_result.h"

namespace weft {

// Who waits for several tasks, once in each frame, for as long as it lives. Any of them that ends
// wakes the task; the last of which that is still to come is awaited at the end.
class Selection {
 public:
  explicit Selection(TaskContext& context) : context_(context) {}
  ~Selection() {
    for (size_t i = 0; i < count_; ++i) {
      if (!frames_[i]->Withdraw(*waiters_[i])) waiters_[i]->AwaitNotify();
    }
  }
  Selection(const Selection&) = delete;
  Selection& operator=(const Selection&) = delete;

  // No more than kSelectMax. False: it has ended, or is waited for already.
  bool Add(TaskHandle& handle) {
    if (handle.frame_->IsRunIn(context_)) return false;
    RemoteWaiter& waiter = waiters_[count_].emplace(context_);
    if (!handle.frame_->Await(waiter)) return false;
    frames_[count_++] = handle.frame_;
    return true;
  }

  static absl::Status AwaitEnd(TaskHandle& handle, TaskContext& context, int64_t until_ns) {
    return handle.AwaitEnd(&context, until_ns);
  }

 private:
  TaskContext& context_;
  size_t count_ = 0;
  std::array<TaskFrame*, kSelectMax> frames_;
  std::array<std::optional<RemoteWaiter>, kSelectMax> waiters_;
};

namespace {

absl::Status NoTask(size_t index) {
  return absl::FailedPreconditionError(
      absl::StrCat("handle ", index, " has no task: it was joined or detached"));
}

std::optional<size_t> FirstEnded(std::span<TaskHandle* const> handles) {
  for (size_t i = 0; i < handles.size(); ++i) {
    if (handles[i]->has_ended()) return i;
  }
  return std::nullopt;
}

absl::Status AddAll(std::span<TaskHandle* const> handles, Selection* selection) {
  for (size_t i = 0; i < handles.size(); ++i) {
    if (!handles[i]->is_attached()) return NoTask(i);
  }
  for (size_t i = 0; i < handles.size(); ++i) {
    if (selection->Add(*handles[i]) || handles[i]->has_ended()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("handle ", i, " is waited for already: it is there twice"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<size_t> SelectAny(TaskContext& context, std::span<TaskHandle* const> handles,
                                 int64_t until_ns) {
  if (handles.empty() || handles.size() > kSelectMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", handles.size(), " handles: select takes 1 to ", kSelectMax));
  }
  Selection selection(context);
  if (absl::Status added = AddAll(handles, &selection); !added.ok()) return added;
  std::optional<size_t> ended = FirstEnded(handles);
  WakeReason reason = WakeReason::kWoken;
  while (!ended.has_value() && reason == WakeReason::kWoken) {
    reason = context.Park(until_ns);
    ended = FirstEnded(handles);
  }
  if (ended.has_value()) return *ended;
  if (reason == WakeReason::kCancelled) {
    return absl::CancelledError("whoever selects was asked to stop");
  }
  return absl::DeadlineExceededError("none of the tasks has ended yet");
}

namespace select_internal {

absl::Status AwaitAll(TaskContext& context, std::span<TaskHandle* const> handles,
                      int64_t until_ns) {
  for (size_t i = 0; i < handles.size(); ++i) {
    if (!handles[i]->is_attached()) return NoTask(i);
  }
  for (TaskHandle* const handle : handles) {
    if (absl::Status ended = Selection::AwaitEnd(*handle, context, until_ns); !ended.ok()) {
      return ended;
    }
  }
  return absl::OkStatus();
}

}  // namespace select_internal
}  // namespace weft
