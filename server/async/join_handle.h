#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "async/frame.h"
#include "async/frame_home.h"
#include "async/remote_waiter.h"
#include "async/wait_result.h"
#include "executor/task_context.h"

namespace weft {

// A task that was spawned, as whoever spawned it holds it. Any thread, one at a time; moves between
// them. A handle that goes, or detaches, leaves the task running and its value to nobody.
class TaskHandle {
 public:
  TaskHandle() = default;
  // Takes over one reference of the frame.
  TaskHandle(TaskFrame& frame, std::shared_ptr<FrameHome> home)
      : frame_(&frame), home_(std::move(home)) {}
  TaskHandle(TaskHandle&& other) noexcept
      : frame_(std::exchange(other.frame_, nullptr)), home_(std::move(other.home_)) {}
  TaskHandle& operator=(TaskHandle&& other) noexcept {
    std::swap(frame_, other.frame_);
    std::swap(home_, other.home_);
    return *this;
  }
  ~TaskHandle() { Detach(); }

  // Lets go of the task. Whatever is asked of the handle then is refused.
  void Detach() {
    if (frame_ != nullptr) std::exchange(frame_, nullptr)->Release();
    home_.reset();
  }

  // Asks the task to stop: one that waits goes on at its host's next turn as cancelled, one that
  // was not started never begins. Whether it had not ended.
  bool Abort() { return frame_ != nullptr && frame_->Abort(); }

  // Waits for the end and leaves the value, and the handle, as they are: errors as of Join, but of
  // the task's own.
  absl::Status Await(TaskContext& context, int64_t until_ns = kNoEnd) {
    return AwaitEnd(&context, until_ns);
  }

  // How the task ended: OK when it has a value, else as Join. FailedPrecondition before that, and
  // when there is no task.
  absl::Status End() const;

  // Whether there is a task, and whether that has ended.
  bool is_attached() const { return frame_ != nullptr; }
  bool has_ended() const { return frame_ != nullptr && frame_->has_ended(); }
  // Whether its code has begun and not returned. False after an Abort: it never will.
  bool is_running() const { return frame_ != nullptr && frame_->is_running(); }

 protected:
  // Waits for several at once (async/select.h).
  friend class Selection;

  // Suspends the task, or blocks the thread when context is null, until the task has ended. OK also
  // when that failed; see End. FailedPrecondition: there is no task, somebody else waits for it, it
  // is the caller, or the caller is a thread that runs tasks and has no context. Cancelled,
  // DeadlineExceeded: as the context says, or the time passed; the task goes on.
  absl::Status AwaitEnd(TaskContext* context, int64_t until_ns);
  TaskFrame* frame_ = nullptr;
  std::shared_ptr<FrameHome> home_;
};

// With the value of the task, once.
template <class T>
class [[nodiscard]] JoinHandle : public TaskHandle {
 public:
  using Result = std::conditional_t<std::is_void_v<T>, absl::Status, absl::StatusOr<T>>;

  using TaskHandle::TaskHandle;

  // From a task, which is suspended until the value is there, until_ns passes on NowNs's clock, or
  // it is asked to stop. Internal: the task threw; Cancelled: it was aborted before it began;
  // Unavailable: its host stopped first; ResourceExhausted: the blocking pool got no thread for it.
  // With the value the handle is empty; a second join is FailedPrecondition.
  Result Join(TaskContext& context, int64_t until_ns = kNoEnd) { return Take(&context, until_ns); }
  // The same from a thread that runs no tasks, which blocks; until_ns: of
  // RemoteWaiter::ThreadNowNs.
  Result BlockingJoin(int64_t until_ns = kNoEnd) { return Take(nullptr, until_ns); }

 private:
  Result Take(TaskContext* context, int64_t until_ns) {
    if (absl::Status status = AwaitEnd(context, until_ns); !status.ok()) return status;
    absl::Status status = End();
    if constexpr (std::is_void_v<T>) {
      Detach();
      return status;
    } else {
      if (!status.ok()) {
        Detach();
        return status;
      }
      Result value = std::move(*static_cast<T*>(frame_->value()));
      Detach();
      return value;
    }
  }
};

}  // namespace weft
