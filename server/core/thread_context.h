#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>

#include "core/blocking_pool.h"
#include "core/live_task.h"
#include "core/task_end.h"
#include "executor/task_context.h"
#include "executor/task_host.h"
#include "sys/clock.h"
#include "sys/io_operation.h"

namespace weft {

// What a handler sees that runs on a thread of the pool. Lives on the stack of the parked task,
// from where the thread uses it alone until it has told the core.
template <class Env>
class ThreadContext final : public TaskContext {
 public:
  // host_stops: set when no mail will be opened any more; waits for others end then.
  ThreadContext(const Env& env, TaskHost& host, const std::atomic<bool>& host_stops,
                const CancelWord& cancel, const LiveTask& task, TaskCold& cold)
      : TaskContext(task.payload_view(), cancel, task.id, task.deadline != kNoDeadline),
        env_(env),
        host_(host),
        host_stops_(host_stops),
        cold_(cold),
        deadline_(task.deadline) {}

  // At the task's start, which is now.
  void BeginOn(BlockingThread& thread, sys::Ticks now) {
    thread_ = &thread;
    event_ = now;
  }

  int64_t NowNs() override { return env_.anchor().TicksToNs(env_.Now()); }
  int64_t EventTimeNs() override { return env_.anchor().TicksToNs(event_); }

  // Sleeps with the whole thread.
  WakeReason SleepFor(int64_t duration_ns) override {
    const WakeReason reason = Sleep(duration_ns);
    event_ = env_.Now();
    return reason;
  }

  // The thread has nobody else to run.
  WakeReason Yield() override {
    event_ = env_.Now();
    if (CancelRequested() || host_stops_.load(std::memory_order_relaxed)) {
      return WakeReason::kCancelled;
    }
    return event_ >= deadline() ? WakeReason::kDeadline : WakeReason::kElapsed;
  }

  // Waits with the whole thread.
  WakeReason Park(int64_t until_ns) override {
    const WakeReason reason = Wait(env_.anchor().NsToTicks(until_ns), Ender::kAnybody);
    event_ = env_.Now();
    return reason;
  }

  // The host's thread, while the task has the thread.
  void Unpark() override {
    is_woken_.store(true, std::memory_order_relaxed);
    Interrupt();
  }
  void Interrupt() override {
    // Pairs with the look at the alarm in Wait.
    thread_->alarm().fetch_add(1, std::memory_order_release);
    env_.Wake(thread_->alarm());
  }

  TaskHost& host() override { return host_; }

  int64_t RunIo(sys::IoOperation& operation) override {
    if (!operation.runs_to_end && ShouldStop()) return -ECANCELED;
    const sys::StopQuestion stop = {
        [](void* self) { return static_cast<ThreadContext*>(self)->ShouldStop(); }, this};
    const int64_t result = thread_->RunIo(operation, stop);
    event_ = env_.Now();
    return result;
  }

 private:
  WakeReason Sleep(int64_t duration_ns) {
    const sys::Ticks began = env_.Now();
    const sys::Ticks duration = env_.anchor().NsToTicks(duration_ns);
    const sys::Ticks end =
        duration < sys::kTicksForever - began ? began + duration : sys::kTicksForever - 1;
    return Wait(end, Ender::kNobody);
  }

  enum class Ender : uint8_t { kNobody, kAnybody };

  // ender: who beside time and whoever asks the task to stop ends the wait.
  WakeReason Wait(sys::Ticks end, Ender ender) {
    const sys::Ticks until = std::min(end, deadline());
    // Read before the cancel is looked for; pairs with the increment in WakeSleepers: either it is
    // seen here, and the cancel with it, or the sleep ends at once.
    uint32_t alarm = thread_->alarm().load(std::memory_order_acquire);
    while (!CancelRequested() && !host_stops_.load(std::memory_order_acquire)) {
      if (ender == Ender::kAnybody && is_woken_.exchange(false, std::memory_order_relaxed)) {
        return WakeReason::kWoken;
      }
      const sys::Ticks now = env_.Now();
      if (now >= deadline()) return WakeReason::kDeadline;
      if (now >= until) return WakeReason::kElapsed;
      env_.Sleep(thread_->alarm(), alarm, until);
      alarm = thread_->alarm().load(std::memory_order_acquire);
    }
    return WakeReason::kCancelled;
  }

  sys::Ticks deadline() const { return is_shielded() ? sys::kTicksForever : deadline_; }

  std::string& OutputBuffer() override { return cold_.output; }
  std::string& ErrorMessage() override { return cold_.error_message; }
  bool DeadlinePassed() override { return env_.Now() >= deadline_; }

  Env env_;
  TaskHost& host_;
  const std::atomic<bool>& host_stops_;
  TaskCold& cold_;
  const sys::Ticks deadline_;
  BlockingThread* thread_ = nullptr;
  std::atomic<bool> is_woken_{false};
  sys::Ticks event_ = 0;  // When the task began or last went on.
};

}  // namespace weft
