#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

#include "core/blocking_pool.h"
#include "core/context.h"
#include "core/core.h"
#include "core/off_core.h"
#include "core/thread_context.h"

// How the pool's core has tasks run by threads that may block. To the core such a task is one that
// is parked, with a stack of which it needs little, until a message says that it has run. Part of
// core.cc's translation unit.
namespace weft {

// A thread whose core's inbox is full tries again after so long.
inline constexpr int64_t kReturnRetryNs = 50'000;

// Runs a handler for one task. What it throws is a failure of the task, as on a core.
inline TaskOutcome RunGuarded(const TaskEntry& entry, TaskContext& context) {
  try {
    return entry.run(entry.state, context);
  } catch (const std::exception& error) {
    return context.Fail(TaskErrorCode::kHandlerException, error.what());
  } catch (...) {
    return context.Fail(TaskErrorCode::kHandlerException,
                        "the handler threw something that is not a std::exception");
  }
}

template <class Env>
struct Core<Env>::ThreadRun : BlockingRun {
  ThreadRun(Core* core_in, LiveTask* task_in, const TaskEntry& entry_in)
      : BlockingRun{.run = &Run, .done = &Done},
        core(core_in),
        task(task_in),
        io_level(static_cast<uint8_t>(task_in->io_priority)),
        entry(entry_in),
        context(core_in->env_, *core_in, core_in->stop_, core_in->cancels_[task_in->slot], *task_in,
                core_in->cold_[task_in->slot]) {}

  static void Run(BlockingRun& self, BlockingThread& thread) {
    auto& run = static_cast<ThreadRun&>(self);
    const sys::Ticks now = run.core->env_.Now();
    // What was stopped on its way here does not start after its deadline.
    if (run.context.ShouldStop()) return;
    run.has_begun = true;
    run.task->started.store(now, std::memory_order_relaxed);
    run.context.BeginOn(thread, now);
    thread.TakeIoLevel(run.io_level);
    const bool is_timed = run.core->options_.timing_metrics;
    OffCoreMeter meter;
    const Env& env = run.core->env_;
    if (is_timed) meter.Read(env.anchor(), now, env.ThreadCpuNs());
    thread.Show({&run.entry, now});
    run.outcome = RunGuarded(run.entry, run.context);
    thread.Show({});
    if (!is_timed) return;
    meter.Read(env.anchor(), env.Now(), env.ThreadCpuNs());
    run.off_core_ns = meter.lost_ns();
  }

  // A full inbox is one that its core is emptying, unless that has stopped for good.
  static void Done(BlockingRun& self) {
    auto& run = static_cast<ThreadRun&>(self);
    Core* const core = run.core;
    const Message message = {
        .id = run.task->id, .slot = run.task->slot, .kind = MessageKind::kReturned};
    std::atomic<uint32_t> nobody{0};
    while (core->Post({&message, 1}) == 0 && !core->stop_.load(std::memory_order_relaxed)) {
      const sys::Ticks retry = core->env_.anchor().NsToTicks(kReturnRetryNs);
      core->env_.Sleep(nobody, 0, core->env_.Now() + retry);
    }
  }

  Core* const core;
  LiveTask* const task;
  const uint8_t io_level;
  const TaskEntry& entry;
  ThreadContext<Env> context;
  TaskOutcome outcome = TaskOutcome::kStopped;
  bool has_begun = false;
  int64_t off_core_ns = 0;  // For so long the thread had no CPU, or slept.
};

// What the pool's core runs in a handler's place.
template <class Env>
TaskEntry Core<Env>::EntryForThread(const TaskEntry& entry) {
  TaskEntry twin = entry;
  twin.run = [](void* state, TaskContext& context) {
    return static_cast<Context&>(context).RunOnThread(*static_cast<const TaskEntry*>(state));
  };
  twin.state = const_cast<TaskEntry*>(&entry);
  twin.never_suspends = false;
  return twin;
}

// The same for what was spawned; it hears of it when it never began.
template <class Env>
TaskOutcome Core<Env>::RunSpawnedOnThread(void* state, TaskContext& context) {
  auto& own = static_cast<Context&>(context);
  const TaskOutcome outcome = own.RunOnThread(*static_cast<const TaskEntry*>(state));
  if (!own.is_in_vain()) return outcome;
  SpawnedBody& body = SpawnedBody::OfPayload(context.payload().data());
  body.abandon(body, Abandoned::kNoThread);
  return outcome;
}

// On the task's own runner, which waits meanwhile. The task runs all the time: it is neither
// suspended nor counted so.
template <class Env>
TaskOutcome Core<Env>::RunOnThread(LiveTask* task, const TaskEntry& entry, Context& context) {
  ThreadRun run(this, task, entry);
  current_runner_->off_core_ns = 0;
  if (const absl::Status status = blocking_->Start(run); !status.ok()) {
    context.MarkInVain();
    return context.Fail(TaskErrorCode::kNoThread,
                        {status.message().data(), status.message().size()});
  }
  Boundary();
  task->runner = current_runner_;
  task->suspended_at = clock();
  ++suspended_count_;
  task->place = TaskPlace::kOnThread;
  LetOthersRun(task);
  task->suspended = 0;
  task->runner->off_core_ns = run.off_core_ns;
  // Threads read the clock of whatever CPU they run on.
  SetClock(std::max(clock(), task->started.load(std::memory_order_relaxed)));
  if (!run.has_begun) context.MarkInVain();
  context.TakeOver(run.context);
  return run.outcome;
}

}  // namespace weft
