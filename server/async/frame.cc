#include "async/frame.h"

#include <exception>

#include "async/frame_home.h"
#include "async/remote_waiter.h"
#include "sys/sanitizers.h"

namespace weft {

TaskFrame::TaskFrame(const Operations& operations, FrameHome& home, bool is_slab, bool has_handle)
    : SpawnedBody{.run = &Run, .abandon = &Abandon},
      operations_(operations),
      home_(home),
      is_slab_(is_slab),
      references_(has_handle ? 2 : 1) {
  abort_mail_.frame = this;
  abort_mail_.open = [](Mail& mail) {
    TaskFrame& frame = *static_cast<AbortMail&>(mail).frame;
    frame.Interrupt();
    frame.Release();
  };
}

// An address that is no waiter's.
void* TaskFrame::Ended() {
  static constinit char ended = 0;
  return &ended;
}

bool TaskFrame::Abort() {
  if (has_ended()) return false;
  // From here on it suspends no more; what is below ends a suspension that it is in.
  cancel_.Set(kId, CancelReason::kClient);
  if (home_.IsHere()) {
    Interrupt();
  } else if (!is_abort_sent_.exchange(true, std::memory_order_relaxed)) {
    references_.fetch_add(1, std::memory_order_relaxed);
    if (!home_.Deliver(abort_mail_)) Release();
  }
  return true;
}

// On the host's thread, where a context lives on behind the end of its run.
void TaskFrame::Interrupt() {
  TaskContext* const context = context_.fetch_add(0, std::memory_order_acq_rel);
  if (context != nullptr) context->Interrupt();
}

bool TaskFrame::Await(RemoteWaiter& joiner) {
  void* nobody = nullptr;
  return joiner_.compare_exchange_strong(nobody, &joiner, std::memory_order_acq_rel,
                                         std::memory_order_acquire);
}

bool TaskFrame::Withdraw(RemoteWaiter& joiner) {
  void* self = &joiner;
  return joiner_.compare_exchange_strong(self, nullptr, std::memory_order_acq_rel,
                                         std::memory_order_acquire);
}

TaskOutcome TaskFrame::Run(SpawnedBody& self, TaskContext& context) {
  auto& frame = static_cast<TaskFrame&>(self);
  context.ListenTo(frame.cancel_, kId);
  frame.context_.exchange(&context, std::memory_order_acq_rel);
  const FrameEnd end = frame.Call(context);
  frame.context_.store(nullptr, std::memory_order_release);
  TaskOutcome outcome = TaskOutcome::kSucceeded;
  if (end == FrameEnd::kThrew) {
    outcome = context.Fail(TaskErrorCode::kHandlerException, frame.error_);
  } else if (end == FrameEnd::kCancelled) {
    // Also when a link kept it from beginning, so that nobody has asked this task.
    frame.cancel_.Set(kId, CancelReason::kClient);
    outcome = context.Stop();
  }
  // The core looks at the reason once more, when the frame is gone.
  context.StopListening();
  frame.Tell(end);
  frame.Release();
  return outcome;
}

FrameEnd TaskFrame::Call(TaskContext& context) {
  FrameEnd end = FrameEnd::kCancelled;
  if (!context.CancelRequested()) {
    try {
      if (operations_.run(*this, context)) return FrameEnd::kValue;
    } catch (const std::exception& error) {
      error_ = error.what();
      end = FrameEnd::kThrew;
    } catch (...) {
      error_ = "it threw something that is not a std::exception";
      end = FrameEnd::kThrew;
    }
  }
  operations_.drop_callable(*this);
  return end;
}

// Of one that had begun the stack stays, and with it what others have linked of the frame: neither
// goes. What its callable owns does, so that who counts on that does not wait for ever.
void TaskFrame::Abandon(SpawnedBody& self, Abandoned why) {
  auto& frame = static_cast<TaskFrame&>(self);
  frame.context_.exchange(nullptr, std::memory_order_acq_rel);
  frame.operations_.drop_callable(frame);
  frame.Tell(why == Abandoned::kNoThread ? FrameEnd::kNoThread : FrameEnd::kStopped);
  if (why != Abandoned::kBegun) return frame.Release();
  if (!frame.is_slab_) sys::ExpectLeak(&frame);
  frame.home_.LeaveFrame(!frame.is_slab_);
}

void TaskFrame::Tell(FrameEnd end) {
  end_ = end;
  home_.CountEnd();
  void* const joiner = joiner_.exchange(Ended(), std::memory_order_acq_rel);
  if (joiner != nullptr) static_cast<RemoteWaiter*>(joiner)->Notify();
}

void TaskFrame::Release() {
  const bool is_last = references_.load(std::memory_order_acquire) == 1 ||
                       references_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  if (!is_last) return;
  DropValue();
  home_.Free(*this);
}

void TaskFrame::Discard() {
  operations_.drop_callable(*this);
  home_.CountEnd();
  home_.Free(*this);
}

}  // namespace weft
