#include "core/core.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/context.h"
#include "core/dispatch.h"
#include "core/ending.h"
#include "core/intake.h"
#include "core/manual_env.h"
#include "core/spawned.h"
#include "core/suspend.h"
#include "core/thread_run.h"
#include "sys/prod_env.h"
#include "sys/stack_trace.h"

namespace weft {
namespace {

// A turn that has gone on for so long ends at the next boundary when messages or timers wait: what
// comes in meanwhile may go before all that is queued. Short enough for urgent work, long enough
// that tasks of a microsecond still run in batches.
constexpr int64_t kLookAgainNs = 20'000;
// How often the pool's core looks at its end whether its threads have come back.
constexpr int64_t kPoolEndLookNs = 500'000;
// A core whose outbox is full looks again this often.
constexpr int64_t kOutboxRetryNs = 20'000;
// What one message may put into the outbox: a cancel's own answer and the end of its task.
constexpr size_t kMostCompletions = 2;
// A look at the inbox costs a load, the clock tens of cycles.
constexpr int kLooksPerClockRead = 4;
// Readings of the clock while spinning, less one, between two signs of life.
constexpr uint32_t kBeatMask = 1023;
// Turns between two looks at what need not be looked at in each, and between two comparisons of the
// live count with the lists and lessons in what is usual.
constexpr uint64_t kTurnsPerLook = 64;
constexpr uint64_t kTurnsPerSelfCheck = 4096;
// When a task starts, the CPU clock was read no longer ago, but for 64 short turns: often enough to
// say of a millisecond whose it was, and 0.03 % of the time.
constexpr int64_t kOffCoreAgeNs = 1'000'000;

sys::Ticks TicksOf(const sys::ClockAnchor& anchor, int64_t ns) { return anchor.NsToTicks(ns); }

// Tells what was busy if it is at least so much: not after each turn, which cost 4 of the 169 ns of
// cold_complete_to_resume (bench/micro/core_bench).
void TellBusy(TurnLimits* turn, sys::Ticks least, const sys::ClockAnchor& anchor,
              CoreStats* stats) {
  if (turn->busy < least) [[likely]]
    return;
  stats->busy_ns.Add(static_cast<uint64_t>(anchor.TicksToNs(std::exchange(turn->busy, 0))));
}

}  // namespace

template <class Env>
Core<Env>::Core(const CoreOptions& options, Env env, Doorbell& doorbell)
    : options_(options),
      first_remote_slot_(options.door_slots()),
      first_local_slot_(first_remote_slot_ + options.remote_slots),
      env_(std::move(env)),
      doorbell_(doorbell),
      stats_(options.handler_count),
      budget_(options.budget),
      look_again_ticks_(TicksOf(env_.anchor(), kLookAgainNs)),
      off_core_(TicksOf(env_.anchor(), kOffCoreAgeNs)),
      idle_(options.idle, TicksOf(env_.anchor(), int64_t{options.spin_us} * 1000),
            options.spin_us == 0 ? 0 : TicksOf(env_.anchor(), IdleBudget::kMaxSpinUs * 1000)) {}

template <class Env>
Core<Env>::~Core() {
  TaskHost* const here = here_;
  stop_.store(true, std::memory_order_release);
  Stop();
  io_.Shutdown();
  if (inbox_.has_value()) AbandonSpawned();
  here_ = here == this ? nullptr : here;
}

template <class Env>
absl::Status Core<Env>::Prepare() {
  SpawnedEntries& entries = host_side_.entries;
  entries.here = SpawnedBody::Entry(static_cast<uint16_t>(options_.handler_count));
  entries.on_thread = EntryForThread(entries.here);
  entries.on_thread.run = &RunSpawnedOnThread;
  host_side_.frames.Make(*this, options_.local_slots);
  const uint32_t slots = options_.all_slots();
  tasks_ = std::make_unique<LiveTask[]>(slots);
  cold_ = std::make_unique<TaskCold[]>(slots);
  cancels_ = std::make_unique<CancelWord[]>(slots);
  const std::span all(tasks_.get(), slots);
  for (uint32_t slot = 0; slot < slots; ++slot) all[slot].slot = slot;
  own_.Add(all.last(options_.local_slots), all.subspan(first_remote_slot_, options_.remote_slots));
  stats_.huge_page_bytes.Set(
      static_cast<int64_t>(sys::UseHugePages(tasks_.get(), slots * sizeof(LiveTask)) +
                           sys::UseHugePages(cold_.get(), slots * sizeof(TaskCold))));
  inbox_.emplace(options_.inbox_capacity);
  outbox_.emplace(options_.outbox_capacity);
  ready_.emplace(TicksOf(env_.anchor(), int64_t{options_.age_limit_ms} * 1'000'000));
  SetClock(env_.Now());
  timers_.emplace(all, clock());
  if (absl::Status status = runners_.Prepare(options_, &RunnerMain, this); !status.ok()) {
    return status;
  }
  thread_fiber_.emplace();
  io_.UseRing(env_.TakeRing(options_.index));
  if (options_.blocking.threads_max > 0) {
    blocking_.emplace(options_.blocking, env_.thread_starter());
  }
  if (options_.lock_memory) {
    sys::LockedMemory tally;
    sys::LockMemory(tasks_.get(), slots * sizeof(LiveTask), &tally);
    sys::LockMemory(cold_.get(), slots * sizeof(TaskCold), &tally);
    runners_.Lock(&tally);
    stats_.locked_bytes.Set(static_cast<int64_t>(tally.locked));
    stats_.lockable_bytes.Set(static_cast<int64_t>(tally.wanted));
  }
  if (options_.keeps_to_node) {
    const std::span<const std::byte> parts[] = {std::as_bytes(all),
                                                std::as_bytes(std::span(cold_.get(), slots)),
                                                std::as_bytes(std::span(cancels_.get(), slots)),
                                                inbox_->memory(),
                                                outbox_->memory(),
                                                runners_.stacks()};
    for (const std::span<const std::byte> part : parts) {
      const uint64_t off = env_.KeepOnNode(part.data(), part.size(), options_.numa_node);
      stats_.node_bytes.Set(stats_.node_bytes.value() + static_cast<int64_t>(part.size()));
      stats_.off_node_bytes.Set(stats_.off_node_bytes.value() + static_cast<int64_t>(off));
    }
  }
  return absl::OkStatus();
}

template <class Env>
absl::Status Core<Env>::Start() {
  sys::ThreadOptions thread;
  thread.name = options_.is_pool() ? "weft-pool" : absl::StrCat("weft-core-", options_.index);
  if (options_.cpu >= 0) thread.cpus = {options_.cpu};
  thread.realtime = options_.realtime;
  thread.prepare = [this] { return Prepare(); };
  absl::Status status = sys::StartThread(&thread_, thread, [this] { Run(); });
  stats_.realtime.Set(options_.realtime && status.ok() && realtime_status().ok() ? 1 : 0);
  return status;
}

template <class Env>
void Core<Env>::Stop() {
  if (!thread_.has_value()) return;
  stop_.store(true, std::memory_order_release);
  WakeIfParked();
  thread_.reset();
}

template <class Env>
size_t Core<Env>::Post(std::span<const Message> messages) {
  const size_t count = inbox_->Push(messages);
  if (count > 0) WakeIfParked();
  return count;
}

// See sys/parking.h. With a guest it may sleep where that does, and by its doorbell.
template <class Env>
void Core<Env>::WakeIfParked() {
  const uint32_t parked = parking_.Take();
  if (parked == sys::Parking<>::kAwake) [[likely]] {
    if (guest_ != nullptr) doorbell_.RingIfParked();
    return;
  }
  stats_.wakes.fetch_add(1, std::memory_order_relaxed);
  if (parked == sys::Parking<>::kParked) {
    env_.Wake(parking_.word());
  } else {
    io_.Wake();
  }
}

template <class Env>
TaskState Core<Env>::SlotState(uint32_t slot) const {
  return tasks_[slot].state.load(std::memory_order_relaxed);
}

template <class Env>
sys::Ticks Core<Env>::SlotStarted(uint32_t slot) const {
  const LiveTask& task = tasks_[slot];
  // Pairs with Execute's store: the start of what runs is its own, not of the slot's last task.
  if (task.state.load(std::memory_order_acquire) == TaskState::kQueued) return 0;
  return task.started.load(std::memory_order_relaxed);
}

template <class Env>
uint64_t Core<Env>::started(Priority priority) const {
  return stats_.started[static_cast<size_t>(priority)].value();
}

template <class Env>
uint64_t Core<Env>::ended_unstarted(Priority priority) const {
  return stats_.unstarted[static_cast<size_t>(priority)].value();
}

template <class Env>
RunningHandler Core<Env>::running() const {
  RunningHandler running = {running_entry_.load(std::memory_order_acquire), clock()};
  // What was spawned has no handler.
  if (running.entry == &host_side_.entries.here) running.entry = nullptr;
  // With timing off the clock stands for many runs. Each ends by a suspension or an end, so as long
  // as their count stands, none has.
  if (!options_.timing_metrics) running.run = 1 + stats_.suspensions.value() + stats_.ended_sum();
  return running;
}

template <class Env>
bool Core<Env>::asleep() const {
  return parking_.LooksParked();
}

template <class Env>
void Core<Env>::SetAgeLimitMs(uint32_t age_limit_ms) {
  ready_->set_age_limit(TicksOf(env_.anchor(), int64_t{age_limit_ms} * 1'000'000));
}

// ---- The thread -------------------------------------------------------------------------------

template <class Env>
void Core<Env>::TakeThread() {
  here_ = this;
  thread_id_.store(sys::ThisThreadId(), std::memory_order_relaxed);
  thread_fiber_.emplace();
  MeasureOffCore(env_.Now());
  io_.Attach({[](void* self) { static_cast<Core*>(self)->WakeIfParked(); }, this});
}

template <class Env>
void Core<Env>::Run() {
  // What asks where a handler is does so by a signal, and the stacks of tasks may be small.
  const sys::SignalStack signal_stack;
  const Turning turning;
  TakeThread();
  while (!stop_.load(std::memory_order_acquire)) {
    bool worked = Turn();
    if (guest_ != nullptr) {
      // Its time is none of the turn's.
      if (std::exchange(turn_.worked, false)) {
        turn_.busy += std::max(clock(), env_.NowUnordered()) - turn_.began;
        TellBusy(&turn_, look_again_ticks_, env_.anchor(), &stats_);
      }
      if (guest_->Round()) {
        stats_.beats.Add();
        worked = true;
      }
    }
    if (!worked) Idle();
  }
  // What the pool's threads run may wait for mail, or for a task that will not go on any more: such
  // waits end as cancelled, see ThreadContext.
  std::atomic<uint32_t> nobody{0};
  while (blocking_ && blocking_->busy() > 0) {
    blocking_->WakeSleepers(env_);
    OpenMail();
    env_.Sleep(nobody, 0, env_.Now() + TicksOf(env_.anchor(), kPoolEndLookNs));
  }
  // The stacks of suspended tasks, which threads and the kernel may be writing to, go with the
  // core.
  if (blocking_) blocking_->Stop();
  io_.Shutdown();
}

template <class Env>
void Core<Env>::Idle(sys::Ticks until) {
  if (guest_ != nullptr && RestWithGuest()) return;
  if (!outbox_->HasRoom(kMostCompletions)) {
    AwaitRoom();
  } else if (!ready_->CanPop(!runners_.empty())) {
    // Not when the Door has drained since a full outbox ended the turn: it wakes nobody for that.
    Rest(until);
  }
}

template <class Env>
bool Core<Env>::Turn() {
  here_ = this;
  bool worked = TakeMessages();
  // After the messages were taken, so that no task starts before it was submitted. Without any the
  // reading need not wait for what was begun before it.
  const sys::Ticks now = worked ? env_.Now() : std::max(clock(), env_.NowUnordered());
  SetClock(now);
  // A turn that did something is over when the next begins.
  if (turn_.worked) {
    turn_.busy += now - turn_.began;
    TellBusy(&turn_, look_again_ticks_, env_.anchor(), &stats_);
  }
  turn_.began = now;
  if (!host_side_.mail.empty()) [[unlikely]]
    worked |= host_side_.mail.Open(TurnIntake::kMostMail);
  worked |= FireTimers();
  if (io_.busy()) worked |= TakeIo();
  worked |= RunReady();
  // What the turn's tasks asked of the system goes in one call.
  if (io_.busy()) io_.Submit();
  PublishTurn(worked);
  turn_.worked = worked;
  return worked;
}

template <class Env>
bool Core<Env>::RestWithGuest() {
  struct Rest {
    Core& core;
    bool sleeps = false;
  } rest{*this};
  // Looked at right before a sleep.
  const auto has_work = [](void* argument) {
    Rest& resting = *static_cast<Rest*>(argument);
    Core& core = resting.core;
    if (core.has_ready() || core.stop_.load(std::memory_order_acquire)) return true;
    core.MeasureOffCore(core.env_.Now());
    resting.sleeps = true;
    return false;
  };
  stats_.beats.Add();
  if (runners_.Trim()) return true;
  if (off_core_.IsTooOld(clock())) MeasureOffCore(env_.Now());
  const bool rested = guest_->Rest({io_.must_wait(), next_timer(), has_work, &rest});
  if (rest.sleeps) off_core_.EndSleep(env_.Now());
  return rested;
}

// Spins for the budget, then sleeps until the next timer, until somebody posts, or until a file
// operation is done.
template <class Env>
void Core<Env>::Rest(sys::Ticks until) {
  const sys::Ticks began = env_.Now();
  if (off_core_.IsTooOld(began)) MeasureOffCore(began);
  const sys::Ticks timer = std::min(next_timer(), until);
  const sys::Ticks budget = idle_.spin();
  stats_.spin_budget_ns.Set(budget == sys::kTicksForever ? -1 : env_.anchor().TicksToNs(budget));
  const sys::Ticks spin_until = budget == sys::kTicksForever ? budget : began + budget;
  sys::Ticks now = began;
  uint32_t passes = 0;
  while (now < std::min(spin_until, timer)) {
    for (int look = 0; look < kLooksPerClockRead; ++look) {
      if (HasNews() || stop_.load(std::memory_order_relaxed)) {
        stats_.idle_spins.Add(1);
        idle_.WorkCameAfter(now - began);
        return;
      }
      env_.Relax();
    }
    // Rarely: in every pass it cost 3 % of submit_to_start_spinning_p50 (bench/micro/core_bench).
    if ((++passes & kBeatMask) == 0) {
      stats_.beats.Add();
      if (off_core_.IsTooOld(now)) MeasureOffCore(env_.Now());
      runners_.Trim();
    }
    now = env_.NowUnordered();
  }
  // What takes a while is followed by another look.
  if (now >= timer || runners_.Trim()) return;
  const bool in_ring = io_.must_wait();
  MeasureOffCore(env_.Now());
  parking_.Announce(in_ring ? sys::Parking<>::kParkedInRing : sys::Parking<>::kParked);
  if (!HasNews() && !stop_.load(std::memory_order_acquire)) {
    stats_.sleeps.Add(1);
    if (in_ring) {
      io_.Wait(timer == sys::kTicksForever ? -1 : env_.anchor().TicksToNs(timer - now) + 1);
    } else {
      env_.Sleep(parking_.word(), sys::Parking<>::kParked, timer);
    }
  }
  parking_.Withdraw();
  now = env_.Now();
  off_core_.EndSleep(now);
  if (HasNews()) idle_.WorkCameAfter(now - began);
}

// Nothing more can be taken in or end until the Door drains, and it rings nobody for that.
template <class Env>
void Core<Env>::AwaitRoom() {
  const sys::Ticks retry = TicksOf(env_.anchor(), kOutboxRetryNs);
  const sys::Ticks began = env_.Now();
  const sys::Ticks spin_until = began + std::min(retry, idle_.spin());
  sys::Ticks now = began;
  while (now < spin_until) {
    if (outbox_->HasRoom(kMostCompletions)) return;
    env_.Relax();
    now = env_.NowUnordered();
  }
  if (idle_.spin() == sys::kTicksForever) return;
  MeasureOffCore(env_.Now());
  parking_.Announce();
  if (!stop_.load(std::memory_order_acquire)) {
    stats_.sleeps.Add(1);
    env_.Sleep(parking_.word(), sys::Parking<>::kParked, now + retry);
  }
  parking_.Withdraw();
  off_core_.EndSleep(env_.Now());
}

template <class Env>
bool Core<Env>::TakeMessages() {
  size_t count = 0;
  for (; count < TurnIntake::kMostMessages; ++count) {
    const Message* const message = inbox_->Front();
    if (message == nullptr || !outbox_->HasRoom(kMostCompletions)) break;
    if (message->kind == MessageKind::kSubmit) {
      TakeSubmit(*message);
    } else if (message->kind == MessageKind::kCancel) {
      TakeCancel(*message);
    } else if (message->kind == MessageKind::kSpawn) {
      TakeSpawn(*message);
    } else if (message->kind == MessageKind::kRelease) {
      ready_->Release(message->entry);
    } else if (message->kind == MessageKind::kReturned) {
      tasks_[message->slot].place = TaskPlace::kNowhere;
      Unpark(&tasks_[message->slot], WakeReason::kElapsed);
    } else {
      idle_.set_resting(message->kind == MessageKind::kRest);
    }
    inbox_->Pop();
  }
  return count > 0;
}

template <class Env>
bool Core<Env>::RunReady() {
  const TurnBudget budget = budget_.load(std::memory_order_relaxed);
  const bool is_timed = budget.microseconds > 0;
  const uint32_t polls = is_timed ? TurnBudget::kMostPolls : budget.polls;
  const uint64_t given_before = ready_->given();
  turn_.given_until = given_before;
  turn_.budget_beyond = polls;
  turn_.end = is_timed ? clock() + TicksOf(env_.anchor(), int64_t{budget.microseconds} * 1'000)
                       : sys::kTicksForever;
  // From here on, so that many expiries leave time for tasks.
  turn_.look_again = std::min(clock() + look_again_ticks_, turn_.end);
  if (LiveTask* const task = NextTaskWithCare(nullptr, Asker::kOther)) Dispatch(task);
  running_entry_.store(nullptr, std::memory_order_release);
  // Tasks that ended unstarted, were set aside or are held are work, too.
  return ready_->given() != given_before;
}

template <class Env>
void Core<Env>::PublishTurn(bool worked) {
  if (untold_) {
    untold_ = false;
    doorbell_.RingIfParked();
  }
  if (!worked) {
    TellBusy(&turn_, 1, env_.anchor(), &stats_);
    return;
  }
  stats_.turns.Add(1);
  const uint64_t taken_in = stats_.submitted.value() + stats_.spawned.value();
  const uint64_t live = taken_in - stats_.ended_sum();
  stats_.live.Set(static_cast<int64_t>(live));
  stats_.held.Set(static_cast<int64_t>(ready_->held()));
  own_.PublishFreed();
  if (stats_.turns.value() % kTurnsPerLook != 0) return;
  if (off_core_.IsTooOld(clock())) MeasureOffCore(env_.Now());
  if (stats_.turns.value() % kTurnsPerSelfCheck == 0) {
    if (ready_->CountLinked() + suspended_count_ != live) stats_.violations.Add(1);
    stats_.LearnUsual();
  }
}

// Some hundred nanoseconds: not for every task, nor for every turn. Never after the start of the
// task that comes next: now is ordered before the turn's clock, or is that.
template <class Env>
void Core<Env>::MeasureOffCore(sys::Ticks now) {
  if (options_.timing_metrics) off_core_.Read(env_.anchor(), now, env_.ThreadCpuNs());
}

template class Core<sys::ProdEnv>;
template class Core<ManualEnv>;

}  // namespace weft
