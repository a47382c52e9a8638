#pragma once

#include <cerrno>
#include <cstdint>

#include "core/core.h"
#include "executor/task_context.h"

namespace weft {

// What a handler sees of the core that runs it. Lives on the stack that runs the task.
template <class Env>
class Core<Env>::Context final : public TaskContext {
 public:
  // cancel: of the task's slot.
  Context(LiveTask* task, const CancelWord& cancel)
      : TaskContext(task->payload_view(), cancel, task->id, task->deadline != kNoDeadline),
        task_(task) {}

  int64_t NowNs() override { return current_->env_.anchor().TicksToNs(current_->env_.Now()); }

  int64_t EventTimeNs() override { return current_->env_.anchor().TicksToNs(current_->clock()); }

  WakeReason SleepFor(int64_t duration_ns) override {
    if (duration_ns <= 0) return Yield();
    const sys::Ticks now = current_->env_.Now();
    const sys::Ticks duration = current_->env_.anchor().NsToTicks(duration_ns);
    const sys::Ticks until =
        duration < sys::kTicksForever - now ? now + duration : sys::kTicksForever - 1;
    if (!MaySuspend() || CancelRequested()) return WakeReason::kCancelled;
    return current_->Park(task_, until);
  }

  WakeReason Yield() override {
    if (!MaySuspend() || CancelRequested()) return WakeReason::kCancelled;
    return current_->GiveWay(task_);
  }

  int64_t RunIo(sys::IoOperation& operation) override {
    if (!MaySuspend()) return -ECANCELED;
    if (!current_->io_.has_ring()) return -ENOSYS;
    if (!operation.runs_to_end && ShouldStop()) return -ECANCELED;
    return current_->ParkForIo(task_, &operation);
  }

  // Of the pool's core only: has a thread run the handler, and waits for it.
  TaskOutcome RunOnThread(const TaskEntry& entry) {
    return current_->RunOnThread(task_, entry, *this);
  }

  using TaskContext::alias;
  using TaskContext::error_code;
  using TaskContext::has_output;
  using TaskContext::is_alias;
  using TaskContext::is_in_vain;
  using TaskContext::MarkInVain;
  using TaskContext::misused;
  using TaskContext::TakeOver;
  using TaskContext::told_nothing;

 private:
  std::string& OutputBuffer() override { return current_->cold_[task_->slot].output; }
  std::string& ErrorMessage() override { return current_->cold_[task_->slot].error_message; }
  bool DeadlinePassed() override { return current_->env_.Now() >= task_->deadline; }

  // It then has a stack that it may keep.
  bool MaySuspend() {
    if (!task_->entry->never_suspends) [[likely]]
      return true;
    Misuse();
    return false;
  }

  LiveTask* task_;
};

}  // namespace weft
