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

  int64_t NowNs() override { return current()->env_.anchor().TicksToNs(current()->env_.Now()); }

  int64_t EventTimeNs() override { return current()->env_.anchor().TicksToNs(current()->clock()); }

  WakeReason SleepFor(int64_t duration_ns) override {
    if (duration_ns <= 0) return Yield();
    const sys::Ticks now = current()->env_.Now();
    const sys::Ticks duration = current()->env_.anchor().NsToTicks(duration_ns);
    const sys::Ticks until =
        duration < sys::kTicksForever - now ? now + duration : sys::kTicksForever - 1;
    if (!MaySuspend() || CancelRequested()) return WakeReason::kCancelled;
    WakeReason reason = ParkUntil(until);
    while (reason == WakeReason::kWoken) reason = ParkUntil(until);
    return reason;
  }

  WakeReason Yield() override {
    if (!MaySuspend() || CancelRequested()) return WakeReason::kCancelled;
    return current()->GiveWay(task_, *this);
  }

  WakeReason Park(int64_t until_ns) override {
    if (!MaySuspend() || CancelRequested()) return WakeReason::kCancelled;
    return ParkUntil(current()->env_.anchor().NsToTicks(until_ns));
  }

  void Unpark() override {
    if (task_->place == TaskPlace::kNowhere) core()->Unpark(task_, WakeReason::kWoken);
  }

  void Interrupt() override {
    const bool is_parked = task_->place == TaskPlace::kNowhere;
    if (is_parked || task_->place == TaskPlace::kInIo) {
      core()->CutShort(task_, WakeReason::kCancelled);
    }
  }

  // Its own also where another core's thread asks. One that has never waited runs here.
  TaskHost& host() override { return task_->runner == nullptr ? *current() : *core(); }

  int64_t RunIo(sys::IoOperation& operation) override {
    if (!MaySuspend()) return -ECANCELED;
    if (!current()->io_.has_ring()) return -ENOSYS;
    operation.ignores_stop = is_shielded();
    if (!operation.runs_to_end && ShouldStop()) return -ECANCELED;
    return current()->ParkForIo(task_, &operation);
  }

  // Of the pool's core only: has a thread run the handler, and waits for it.
  TaskOutcome RunOnThread(const TaskEntry& entry) {
    return current()->RunOnThread(task_, entry, *this);
  }

  using TaskContext::alias;
  using TaskContext::error_code;
  using TaskContext::has_output;
  using TaskContext::is_alias;
  using TaskContext::is_in_vain;
  using TaskContext::is_shielded;
  using TaskContext::MarkInVain;
  using TaskContext::misused;
  using TaskContext::TakeOver;
  using TaskContext::told_nothing;

 private:
  std::string& OutputBuffer() override { return current()->cold_[task_->slot].output; }
  std::string& ErrorMessage() override { return current()->cold_[task_->slot].error_message; }
  bool DeadlinePassed() override { return current()->env_.Now() >= task_->deadline; }

  // Of a task that waits: whoever wakes it may have turned another core since.
  Core* core() const { return static_cast<Core*>(task_->runner->core); }

  WakeReason ParkUntil(sys::Ticks until) {
    const WakeReason reason = current()->Park(task_, until, !is_shielded());
    if (!is_shielded() || reason == WakeReason::kWoken) return reason;
    // A cancel, or a deadline that passed long ago, ends no shielded wait.
    return current()->clock() >= until ? WakeReason::kElapsed : WakeReason::kWoken;
  }

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
