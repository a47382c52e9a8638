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
  Context(Core* core, LiveTask* task)
      : TaskContext(task->payload_view(), core->cancels_[task->slot], task->id,
                    task->deadline != kNoDeadline),
        core_(core),
        task_(task) {}

  int64_t NowNs() override { return core_->env_.anchor().TicksToNs(core_->env_.Now()); }

  WakeReason SleepFor(int64_t duration_ns) override {
    if (duration_ns <= 0) return Yield();
    const sys::Ticks now = core_->env_.Now();
    const sys::Ticks duration = core_->env_.anchor().NsToTicks(duration_ns);
    const sys::Ticks until =
        duration < sys::kTicksForever - now ? now + duration : sys::kTicksForever - 1;
    return ParkUntil(until);
  }

  WakeReason Yield() override { return ParkUntil(0); }

  int64_t RunIo(sys::IoOperation& operation) override {
    if (!may_suspend()) {
      misused_ = true;
      return -ECANCELED;
    }
    if (!core_->io_.has_ring()) return -ENOSYS;
    if (!operation.runs_to_end && ShouldStop()) return -ECANCELED;
    return core_->ParkForIo(task_, &operation);
  }

  // Of the pool's core only: has a thread run the handler, and waits for it.
  TaskOutcome RunOnThread(const TaskEntry& entry) {
    return core_->RunOnThread(task_, entry, *this);
  }

  // It was asked to suspend although its handler is registered as never_suspends.
  bool misused() const { return misused_; }

  using TaskContext::alias;
  using TaskContext::error_code;
  using TaskContext::has_output;
  using TaskContext::is_alias;
  using TaskContext::TakeOver;

 private:
  std::string& OutputBuffer() override { return core_->cold_[task_->slot].output; }
  std::string& ErrorMessage() override { return core_->cold_[task_->slot].error_message; }
  bool DeadlinePassed() override { return core_->env_.Now() >= task_->deadline; }

  // It then has a stack that it may keep.
  bool may_suspend() const { return !task_->entry->never_suspends; }

  WakeReason ParkUntil(sys::Ticks until) {
    if (!may_suspend()) {
      misused_ = true;
      return WakeReason::kCancelled;
    }
    if (CancelRequested()) return WakeReason::kCancelled;
    return core_->Park(task_, until);
  }

  Core* core_;
  LiveTask* task_;
  bool misused_ = false;
};

}  // namespace weft
