#include "dispatch/door.h"

#include <algorithm>

#include "core/manual_env.h"
#include "dispatch/lent_door.h"

namespace weft {
namespace {

constexpr int64_t kReanchorNs = 1'000'000'000;
// A core with a full inbox is busy: it is left alone for a moment, as it may share our CPU.
constexpr int64_t kFullInboxWaitNs = 50'000;

}  // namespace

template <class Env>
BasicDoor<Env>::BasicDoor(DoorSource& source, Dispatcher<Env>& dispatcher, Doorbell& doorbell,
                          const Env& env, IdlePolicy idle, uint32_t spin_us)
    : source_(source),
      dispatcher_(dispatcher),
      doorbell_(doorbell),
      env_(env),
      idle_policy_(idle),
      budget_(idle, env.anchor().NsToTicks(int64_t{spin_us} * 1'000),
              spin_us == 0 ? 0 : env.anchor().NsToTicks(IdleBudget::kMaxSpinUs * 1'000)) {}

template <class Env>
bool BasicDoor<Env>::Post(DoorErrand& errand) {
  if (!mail_.Put(errand)) return false;
  doorbell_.RingIfParked();
  return true;
}

template <class Env>
void BasicDoor<Env>::Run() {
  while (!Finished()) {
    if (lent_ != nullptr && lent_->MaybeLend(*this)) dispatcher_.door_counters().returns.Add();
    if (!Round() && !Finished()) Idle();
  }
  mail_.Close();
}

template <class Env>
bool BasicDoor<Env>::Round() {
  now_ = env_.Now();
  dispatcher_.door_counters().rounds.Add();
  AdvanceDrain();
  size_t handled = mail_.RunAll();
  handled += source_.Poll(kPollMax);
  dispatcher_.Flush();
  handled += dispatcher_.Collect();
  if (now_ >= next_tick_ || handled > 0) AdvanceClock();
  if (handled > 0) NoteWork();
  return handled > 0;
}

template <class Env>
bool BasicDoor<Env>::CollectAll() {
  bool any = false;
  while (dispatcher_.Collect() > 0) any = true;
  return any;
}

// Work may bring an earlier deadline of a wait, so the dispatcher is asked after work, too; it
// answers at once when nothing is due.
template <class Env>
void BasicDoor<Env>::AdvanceClock() {
  if (clock_ != nullptr && now_ >= next_reanchor_) {
    clock_->Reanchor();
    dispatcher_.SetAnchor(clock_->anchor());
    next_reanchor_ = now_ + env_.anchor().NsToTicks(kReanchorNs);
  }
  next_tick_ = std::min({dispatcher_.Tick(now_), source_.Tick(now_),
                         clock_ == nullptr ? sys::kTicksForever : next_reanchor_});
}

// ---- Draining.

template <class Env>
void BasicDoor<Env>::AdvanceDrain() {
  if (!draining()) return;
  if (!dispatcher_.draining()) {
    dispatcher_.BeginDrain();
    drain_until_ = now_ + env_.anchor().NsToTicks(drain_limit_ns_);
    last_open_ = now_;
  }
  if (dispatcher_.HasOpen()) last_open_ = now_;
  if (stop_asked_ || now_ < drain_until_ || !dispatcher_.HasOpen()) return;
  dispatcher_.CancelAll(CancelReason::kShutdown);
  stop_asked_ = true;
  drain_until_ = now_ + env_.anchor().NsToTicks(kStopGraceNs);
}

template <class Env>
sys::Ticks BasicDoor<Env>::LingerUntil() const {
  const sys::ClockAnchor anchor = env_.anchor();
  return std::min({(idle_ ? idle_since_ : now_) + anchor.NsToTicks(kQuietNs),
                   last_open_ + anchor.NsToTicks(kLongestLingerNs), drain_until_});
}

template <class Env>
bool BasicDoor<Env>::Finished() {
  if (!dispatcher_.draining()) return false;
  if (!dispatcher_.HasOpen() && !dispatcher_.HasStaged() && !dispatcher_.HasCompletions()) {
    return now_ >= LingerUntil();
  }
  return stop_asked_ && now_ >= drain_until_;
}

// ---- Idling.

template <class Env>
void BasicDoor<Env>::NoteWork() {
  if (!idle_) return;
  idle_ = false;
  budget_.WorkCameAfter(now_ - idle_since_);
  DoorCounters& counters = dispatcher_.door_counters();
  if (!slept_) counters.spins.Add();
  counters.spin_budget_ns.Set(
      budget_.spin() == sys::kTicksForever ? -1 : env_.anchor().TicksToNs(budget_.spin()));
}

template <class Env>
void BasicDoor<Env>::Idle(sys::Ticks until, bool (*has_work)(void*), void* argument) {
  // It may have changed hands since the last round.
  if (has_work != nullptr) now_ = env_.Now();
  if (!idle_) {
    idle_ = true;
    slept_ = false;
    idle_since_ = now_;
  }
  if (MaySpin()) {
    env_.Relax();
  } else {
    Park(until, has_work, argument);
  }
}

// With tasks in flight an end is near more often than not, whatever the arrivals were like: the
// longest budget is spent on it, but no more, since a task may also sleep for a minute.
template <class Env>
bool BasicDoor<Env>::MaySpin() const {
  if (idle_policy_ == IdlePolicy::kSpin) return true;
  if (idle_policy_ == IdlePolicy::kSleep) return false;
  const sys::Ticks idle_for = now_ - idle_since_;
  if (idle_for < budget_.spin()) return true;
  return dispatcher_.HasOpen() &&
         idle_for < env_.anchor().NsToTicks(IdleBudget::kMaxSpinUs * 1'000);
}

// The protocol is told in sys/parking.h: announce, look at every source once more, then wait. The
// completion queue is a source that the wait itself looks at.
template <class Env>
void BasicDoor<Env>::Park(sys::Ticks until, bool (*has_work)(void*), void* argument) {
  doorbell_.parking.Announce();
  if (dispatcher_.HasCompletions() || !mail_.empty() ||
      (has_work != nullptr && has_work(argument))) {
    doorbell_.parking.Withdraw();
    return;
  }
  slept_ = true;
  DoorCounters& counters = dispatcher_.door_counters();
  counters.sleeps.Add();
  const size_t handled = source_.Wait(WaitNs(until));
  const bool rung =
      doorbell_.parking.word().load(std::memory_order_relaxed) == sys::Parking<>::kAwake;
  doorbell_.parking.Withdraw();
  if (rung) counters.rings.Add();
  if (handled == 0) return;
  now_ = env_.Now();
  next_tick_ = now_;
  NoteWork();
}

template <class Env>
int64_t BasicDoor<Env>::WaitNs(sys::Ticks until) const {
  if (dispatcher_.HasStaged()) return kFullInboxWaitNs;
  until = std::min(until, next_tick_);
  if (dispatcher_.draining()) {
    until = std::min(until, drain_until_);
    if (!dispatcher_.HasOpen()) until = std::min(until, LingerUntil());
  }
  if (until <= now_) return 0;
  if (until - now_ >= env_.anchor().NsToTicks(kLongestWaitNs)) return kLongestWaitNs;
  return env_.anchor().TicksToNs(until - now_);
}

template class BasicDoor<sys::ProdEnv>;
template class BasicDoor<ManualEnv>;

}  // namespace weft
