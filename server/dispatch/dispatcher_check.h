#ifndef WEFT_DISPATCH_DISPATCHER_CHECK_H_
#define WEFT_DISPATCH_DISPATCHER_CHECK_H_
// What the Dispatcher does once in a while: end waits, forget results, check its promises, tell its
// statistics. Included by dispatcher.cc only.

#include <algorithm>

#include "dispatch/dispatcher.h"

namespace weft {
namespace dispatch_internal {

// Between two checks, while tasks are in flight and while none is.
inline constexpr int64_t kBusyCheckNs = 100'000'000;
inline constexpr int64_t kIdleCheckNs = 1'000'000'000;

}  // namespace dispatch_internal

template <class Env>
sys::Ticks Dispatcher<Env>::Tick(sys::Ticks now) {
  const bool more_waits = EndElapsedWaits(now);
  const bool more_results = DropOldResults(now);
  WatchForStalls(now);
  if (now >= next_check_) {
    window_.AdvanceTo(anchor_.ToUnixNs(now));
    MeasureRates(now);
    CheckPromises();
    PublishGauges();
    next_check_ = now + anchor_.NsToTicks(in_flight() > 0 ? dispatch_internal::kBusyCheckNs
                                                          : dispatch_internal::kIdleCheckNs);
  }
  if (more_waits || more_results) return now;
  return std::min({next_check_, next_stall_look_, deadlines_.next(), retention_.next_expiry()});
}

template <class Env>
bool Dispatcher<Env>::EndElapsedWaits(sys::Ticks now) {
  for (size_t count = 0; count < kTickMax; ++count) {
    ResultReceiver* receiver = deadlines_.TakeElapsed(now);
    if (receiver == nullptr) return false;
    DoorTask& task = *WaiterList::TaskOf(*receiver);
    const uint32_t core = task.id.core_index();
    task.waiters.Remove(*receiver);
    receiver->OnResult(Describe(core, sides_[core]->table.SlotOf(task)), /*ended=*/false);
  }
  return deadlines_.next() <= now;
}

template <class Env>
bool Dispatcher<Env>::DropOldResults(sys::Ticks now) {
  for (size_t count = 0; count < kTickMax; ++count) {
    if (!retention_.OldestTooOld(now)) return false;
    Drop(DropBound::kAge);
  }
  return retention_.OldestTooOld(now);
}

// A few looks per threshold, and none while nothing is in flight.
template <class Env>
void Dispatcher<Env>::WatchForStalls(sys::Ticks now) {
  if (!HasOpen() || stall_look_ticks_ == 0) {
    next_stall_look_ = sys::kTicksForever;
    return;
  }
  if (next_stall_look_ == sys::kTicksForever) next_stall_look_ = now;
  if (now < next_stall_look_) return;
  next_stall_look_ = now + stall_look_ticks_;
  for (uint32_t core = 0; core < sides_.size(); ++core) {
    const RunningHandler running = sides_[core]->core.running();
    const std::optional<sys::Ticks> held = stalls_.Look(core, running, now);
    if (!held.has_value()) continue;
    stats_.cores[core].stalls.Add();
    if (stall_observer_ == nullptr) continue;
    stall_observer_->OnStall(sides_[core]->core.options().cpu, *running.entry,
                             anchor_.TicksToNs(*held));
  }
}

template <class Env>
void Dispatcher<Env>::MeasureRates(sys::Ticks now) {
  const int64_t passed_ns = anchor_.TicksToNs(now - rates_at_);
  if (passed_ns <= 0) return;
  for (size_t core = 0; core < sides_.size(); ++core) {
    const uint64_t ended = loads_[core].Ended();
    const auto count = static_cast<double>(ended - sides_[core]->ended_before);
    loads_[core].ended_per_second =
        static_cast<uint64_t>(count * 1e9 / static_cast<double>(passed_ns));
    sides_[core]->ended_before = ended;
  }
  rates_at_ = now;
}

template <class Env>
void Dispatcher<Env>::CheckPromises() {
  if (stats_.accepted.value() != stats_.Ended() + in_flight()) {
    stats_.CountViolation(Promise::kConservation);
  }
  for (uint32_t core = 0; core < sides_.size(); ++core) CheckCore(core);
}

// The core's own counts against the Door's. The core may be in the middle of a turn, so they are
// compared only when nothing of it is in flight and nothing has moved since the check before.
template <class Env>
void Dispatcher<Env>::CheckCore(uint32_t core) {
  Side& side = *sides_[core];
  const CoreLoad& load = loads_[core];
  const CoreStats& own = side.core.stats();
  const uint64_t admitted = load.admitted[0] + load.admitted[1] + load.admitted[2];
  const uint64_t turns = own.turns.value();
  const bool still = admitted == side.admitted_before && turns == side.turns_before;
  side.admitted_before = admitted;
  side.turns_before = turns;
  const bool quiet = still && load.InFlight() == 0 && side.StagedCount() == 0;
  bool agree = true;
  for (size_t level = 0; level < kPriorityCount; ++level) {
    const uint64_t started = side.core.started(static_cast<Priority>(level));
    const uint64_t unstarted = side.core.ended_unstarted(static_cast<Priority>(level));
    if (load.admitted[level] > started + unstarted + options_.max_queue_depth) {
      stats_.CountViolation(Promise::kBound);
    }
    agree = agree && unstarted == load.ended_unstarted[level] &&
            started == load.ended[level] - load.ended_unstarted[level];
  }
  agree = agree && own.live.value() == 0;
  if (quiet && !agree) stats_.CountViolation(Promise::kConservation);
}

template <class Env>
void Dispatcher<Env>::PublishGauges() {
  stats_.in_flight.Set(static_cast<int64_t>(in_flight()));
  stats_.in_flight_bytes.Set(static_cast<int64_t>(in_flight_bytes_));
  stats_.waiters.Set(static_cast<int64_t>(deadlines_.size()));
  stats_.results_kept.Set(static_cast<int64_t>(retention_.count()));
  stats_.results_kept_bytes.Set(static_cast<int64_t>(retention_.bytes()));
  for (size_t bound = 0; bound < kDropBoundCount; ++bound) {
    stats_.results_dropped[bound].Set(
        static_cast<int64_t>(retention_.dropped(static_cast<DropBound>(bound))));
  }
  for (uint32_t core = 0; core < sides_.size(); ++core) {
    RefreshLoad(core);
    for (size_t level = 0; level < kPriorityCount; ++level) {
      stats_.cores[core].queued[level].Set(
          static_cast<int64_t>(loads_[core].Queued(static_cast<Priority>(level))));
    }
  }
  const ExecutionSums recent = window_.Recent();
  stats_.lifetime.Set(window_.lifetime());
  stats_.recent.Set(recent);
  stats_.target_latency_ns.Set(options_.target_latency_ns);
  stats_.target_met.Set(MeetsTarget(recent) ? 1 : 0);
}

template <class Env>
bool Dispatcher<Env>::MeetsTarget(const ExecutionSums& recent) const {
  return recent.AverageNs() <=
         static_cast<uint64_t>(std::max<int64_t>(0, options_.target_latency_ns));
}

template <class Env>
bool Dispatcher<Env>::HasStaged() const {
  return std::any_of(sides_.begin(), sides_.end(),
                     [](const std::unique_ptr<Side>& side) { return side->StagedCount() > 0; });
}

template <class Env>
bool Dispatcher<Env>::HasCompletions() const {
  return std::any_of(sides_.begin(), sides_.end(),
                     [](const std::unique_ptr<Side>& side) { return side->core.HasCompletions(); });
}

template <class Env>
bool Dispatcher<Env>::HasOpen() const {
  return std::any_of(loads_.begin(), loads_.end(),
                     [](const CoreLoad& load) { return load.InFlight() > 0; });
}

template <class Env>
uint64_t Dispatcher<Env>::in_flight() const {
  uint64_t count = 0;
  for (const auto& side : sides_) count += side->table.CountLive();
  return count;
}

template <class Env>
StatsSnapshot Dispatcher<Env>::Snapshot() {
  window_.AdvanceTo(anchor_.ToUnixNs(env_.Now()));
  StatsSnapshot snapshot;
  snapshot.lifetime = window_.lifetime();
  snapshot.last_10s = window_.Recent();
  snapshot.active_workers = static_cast<uint32_t>(sides_.size());
  snapshot.target_latency_ns = options_.target_latency_ns;
  snapshot.meeting_latency_target = MeetsTarget(snapshot.last_10s);
  snapshot.accepted = stats_.accepted.value();
  const auto ended = [this](TaskState state) {
    return stats_.ended[static_cast<size_t>(state)].value();
  };
  snapshot.succeeded = ended(TaskState::kSucceeded);
  snapshot.failed = ended(TaskState::kFailed);
  snapshot.cancelled = ended(TaskState::kCancelled);
  snapshot.expired = ended(TaskState::kExpired);
  snapshot.in_flight = in_flight();
  snapshot.refused = stats_.refused_tasks.value();
  snapshot.results_kept = retention_.count();
  snapshot.results_kept_bytes = retention_.bytes();
  snapshot.waiters = deadlines_.size();
  snapshot.promise_violations = stats_.Violations();
  snapshot.draining = draining();
  snapshot.max_queue_depth = options_.max_queue_depth;
  for (uint32_t core = 0; core < sides_.size(); ++core) {
    snapshot.cores.push_back(SnapshotCore(core));
    snapshot.promise_violations += sides_[core]->core.stats().violations.value();
  }
  return snapshot;
}

template <class Env>
CoreSnapshot Dispatcher<Env>::SnapshotCore(uint32_t core) {
  RefreshLoad(core);
  const CoreLoad& load = loads_[core];
  const CoreStats& own = sides_[core]->core.stats();
  CoreSnapshot snapshot;
  snapshot.cpu = static_cast<uint32_t>(sides_[core]->core.options().cpu);
  for (size_t level = 0; level < kPriorityCount; ++level) {
    snapshot.queued[level] = load.Queued(static_cast<Priority>(level));
    snapshot.started += load.started[level] - (load.ended[level] - load.ended_unstarted[level]);
  }
  snapshot.executed = own.executed.value();
  snapshot.stack_waits = own.stack_waits.value();
  snapshot.sleeps = own.sleeps.value();
  snapshot.stalls = stats_.cores[core].stalls.value();
  return snapshot;
}

}  // namespace weft

#endif  // WEFT_DISPATCH_DISPATCHER_CHECK_H_
