#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "core/blocking_pool.h"
#include "core/doorbell.h"
#include "core/guest.h"
#include "core/host_side.h"
#include "core/idle.h"
#include "core/inbox.h"
#include "core/io_queue.h"
#include "core/live_task.h"
#include "core/message.h"
#include "core/off_core.h"
#include "core/options.h"
#include "core/outbox.h"
#include "core/own_slots.h"
#include "core/ready_queue.h"
#include "core/runner.h"
#include "core/runner_pool.h"
#include "core/stall_detector.h"
#include "core/stats.h"
#include "core/task_end.h"
#include "core/timer_wheel.h"
#include "core/turn_limits.h"
#include "executor/task_host.h"
#include "sys/parking.h"
#include "sys/thread.h"

namespace weft {

// One pinned thread and all it owns. Reached through its inbox, its outbox, its statistics' cells
// and the cancel word of a task; nothing else. Env gives time, sleep and the ring for file I/O.
template <class Env>
class Core final : public TaskHost {
 public:
  // doorbell outlives the core. Allocates nothing large before Prepare.
  Core(const CoreOptions& options, Env env, Doorbell& doorbell);
  ~Core();  // Stops.
  // Before Start only, both. Allocates all that the bounds ask for; tests then call Turn by hand.
  absl::Status Prepare();
  void set_guest(CoreGuest& guest) { guest_ = &guest; }  // Outlives the core.
  // Starts the pinned thread, which prepares. FailedPrecondition when the CPU is not granted.
  absl::Status Start();
  // Any thread but the core's. Ends the thread at its next turn, however long a handler takes; what
  // is queued or suspended then stays where it is. Harmless when not started.
  void Stop();
  // Any thread. Posts the first that fit, in one inbox operation with at most one wake; how many.
  size_t Post(std::span<const Message> messages);
  // Door thread only, before the task's kCancel is posted: a handler that runs sees it at once.
  void SetCancel(uint32_t slot, TaskId id, CancelReason reason) { cancels_[slot].Set(id, reason); }
  // Any thread, after Prepare, these five. SpawnRemote: best another core's; like Spawn below.
  SpawnAnswer SpawnRemote(const TaskEntry& entry, std::string_view payload, TaskLevels levels);
  SpawnAnswer SpawnTask(SpawnedBody& body, TaskLevels levels) override;
  void Deliver(Mail& mail) override;
  void OpenMail() override { host_side_.mail.Open(TurnIntake::kMostMail); }
  int64_t HostNowNs() const override { return env_.anchor().TicksToNs(env_.Now()); }
  FrameHome* frames() override { return host_side_.frames.get(); }
  // Door thread only. Completions, oldest first: see Outbox.
  size_t Drain(std::span<Completion> out) { return outbox_->Drain(out); }
  size_t Drain(size_t most, auto&& take) { return outbox_->Drain(most, take); }
  bool HasCompletions() const { return !outbox_->empty(); }
  // Door thread only, from the drain of a task's kEnded to its slot's next use: frees its output.
  void FreeOutput(uint32_t slot) { std::string().swap(cold_[slot].output); }
  // Any thread, all up to Turn. As last stored: a slot's state; when it started, 0: it has not.
  TaskState SlotState(uint32_t slot) const;
  sys::Ticks SlotStarted(uint32_t slot) const;
  // Tasks begun, and ended without a start, by level; what else was admitted is queued.
  uint64_t started(Priority priority) const;
  uint64_t ended_unstarted(Priority priority) const;
  // What runs now; whether it sleeps and was not woken; its number, 0 before it runs.
  RunningHandler running() const;
  int thread_id() const { return thread_id_.load(std::memory_order_relaxed); }
  bool asleep() const;
  void WakeIfParked();  // After publishing what the core shall see.
  // How much one turn runs, from the next turn on; within the bounds of TurnBudget.
  void SetBudget(TurnBudget budget) { budget_.store(budget, std::memory_order_relaxed); }
  TurnBudget budget() const { return budget_.load(std::memory_order_relaxed); }
  void SetAgeLimitMs(uint32_t age_limit_ms);  // After Prepare: executor.age_limit_ms.
  // What the pool's core is posted in place of a handler's entry, which outlives it.
  static TaskEntry EntryForThread(const TaskEntry& entry);
  const BlockingPool& blocking() const { return *blocking_; }  // After Prepare, of the pool's core.
  const CoreStats& stats() const { return stats_; }
  const CoreOptions& options() const { return options_; }
  // The kernel's error when options().realtime was not granted.
  const absl::Status& realtime_status() const { return thread_->realtime_status(); }
  void TakeThread();  // Core thread only, the rest (tests: by hand). Turn's stack and the ring.
  bool Turn();        // One pass over all there is to do; true if it did anything.
  bool has_ready() const { return ready_->CanPop(!runners_.empty()) || HasNews(); }
  // Follows a turn that did nothing: spins, then sleeps, until there may be work or time is up.
  void Idle(sys::Ticks until = sys::kTicksForever);
  uint64_t given() const { return ready_->given(); }            // Starts and resumptions so far.
  sys::Ticks next_timer() const { return timers_->NextDue(); }  // Or a time before it.
  // From a task here, or between turns. Nobody is told of it; payload outlives it.
  SpawnAnswer Spawn(const TaskEntry& entry, std::string_view payload, TaskLevels levels);
  Env& env() { return env_; }

 private:
  class Context;
  struct ThreadRun;
  static Core* current() { return static_cast<Core*>(here_); }
  sys::Ticks clock() const { return clock_.load(std::memory_order_relaxed); }
  void SetClock(sys::Ticks now) { clock_.store(now, std::memory_order_relaxed); }
  void Run();  // The loop; these follow in the order of a turn (core.cc).
  bool RestWithGuest();
  void Rest(sys::Ticks until);
  void AwaitRoom();
  bool TakeMessages();
  bool FireTimers();
  bool TakeIo();
  bool RunReady();
  void PublishTurn(bool worked);
  void MeasureOffCore(sys::Ticks now);
  // What comes in (intake.h).
  void TakeSubmit(const Message& message);
  void TakeCancel(const Message& message);
  void TakeSpawn(const Message& message);
  void MakeReady(LiveTask* task);
  void Unpark(LiveTask* task, WakeReason reason);
  void CutShort(LiveTask* task, WakeReason reason);
  bool IsDoors(const LiveTask& task) const { return task.slot < first_remote_slot_; }
  void AbandonSpawned();
  bool HasNews() const;
  // Running one task after another (dispatch.h).
  enum class Asker : bool { kOther, kFreeRunner };
  LiveTask* NextTask(Asker asker);
  bool MayStart(const LiveTask& task, Asker asker);
  LiveTask* NextTaskWithCare(LiveTask* popped, Asker asker);
  bool RefillBudget();
  bool HasSpareStack(Asker asker) const { return asker == Asker::kFreeRunner || !runners_.empty(); }
  bool TurnIsOver();
  void Dispatch(LiveTask* task);
  void Execute(LiveTask* task);
  void GoTo(Fiber& from, LiveTask* next);
  static void RunnerMain(void* runner);
  void Boundary();
  void ReadClockAtPace();
  // Suspending one (suspend.h).
  void Suspend(LiveTask* task);
  void LetOthersRun(LiveTask* task);
  void Resume(LiveTask* task);
  WakeReason GiveWay(LiveTask* task, const Context& context);
  WakeReason Park(LiveTask* task, sys::Ticks until, bool with_deadline = true);
  int64_t ParkForIo(LiveTask* task, sys::IoOperation* operation);
  TaskOutcome RunOnThread(LiveTask* task, const TaskEntry& entry, Context& context);
  static TaskOutcome RunSpawnedOnThread(void* state, TaskContext& context);
  // Ending a task (ending.h).
  TaskEnd Settle(const LiveTask& task, const Context& context, TaskOutcome outcome);
  TaskEnd SettleFailure(const LiveTask& task, const Context& context, TaskOutcome outcome);
  TaskEnd StopEnding(const LiveTask& task, CancelReason reason);
  void EndTelling(LiveTask* task, const Context& context, TaskOutcome outcome);
  void EndStarted(LiveTask* task, const TaskEnd& ending);
  TimeShare LookAtLong(const LiveTask& task, uint64_t ran_ns);
  void EndUnstarted(LiveTask* task, const TaskEnd& ending);
  void End(LiveTask* task, const TaskEnd& ending, TaskRun run);
  void Tell(const LiveTask& task, const TaskEnd& ending, TaskRun run, bool was_suspended);
  CoreGuest* guest_ = nullptr;  // Whoever posts reads it: far from all that the core writes.
  const CoreOptions options_;
  const uint32_t first_remote_slot_, first_local_slot_;
  Env env_;
  Doorbell& doorbell_;
  CoreStats stats_;
  std::unique_ptr<LiveTask[]> tasks_;  // door_slots(), remote_slots, local_slots.
  std::unique_ptr<TaskCold[]> cold_;
  std::unique_ptr<CancelWord[]> cancels_;  // The Door's, one a slot; the core reads them.
  OwnSlots own_;
  std::optional<Inbox<>> inbox_;
  std::optional<Outbox<>> outbox_;
  std::optional<ReadyQueue> ready_;
  std::optional<TimerWheel> timers_;
  RunnerPool runners_{stats_};
  std::optional<Fiber> thread_fiber_;             // The stack that Turn runs on.
  alignas(64) std::atomic<sys::Ticks> clock_{0};  // From here to the mail: what each turn touches.
  TurnLimits turn_;
  std::atomic<TurnBudget> budget_;
  const sys::Ticks look_again_ticks_;
  Runner* current_runner_ = nullptr;  // Null: the thread's own stack.
  LiveTask* handed_back_ = nullptr;   // A fiber popped it but it runs on the thread's stack.
  bool untold_ = false;  // Completions were pushed since the doorbell was last looked at for sure.
  uint64_t suspended_count_ = 0;
  std::atomic<const TaskEntry*> running_entry_{nullptr};
  HostSide host_side_;
  ClockPace pace_;
  OffCoreMeter off_core_;
  IdleBudget idle_;
  IoQueue io_{stats_};
  sys::Parking<> parking_;
  std::atomic<bool> stop_{false};
  std::atomic<int> thread_id_{0};
  std::optional<BlockingPool> blocking_;  // After all that its runs use.
  std::optional<sys::Thread> thread_;
};

}  // namespace weft
