#pragma once
// What the Dispatcher does once in a while: end waits, forget results, look for stalls, check its
// promises. Included by dispatcher.cc only.

#include <algorithm>
#include <utility>

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
  const sys::Ticks next_load = FollowLoad(now);
  if (more_waits || more_results) return now;
  return std::min(
      {next_check_, next_load, stalls_.next_look, deadlines_.next(), retention_.next_expiry()});
}

template <class Env>
void Dispatcher<Env>::Reconfigure(const DispatchOptions& options, uint32_t stall_threshold_ms) {
  options_.max_in_flight_bytes = options.max_in_flight_bytes;
  options_.max_wait_ns = options.max_wait_ns;
  options_.max_waiters = options.max_waiters;
  options_.results_max_age_ns = options.results_max_age_ns;
  options_.results_max_bytes = options.results_max_bytes;
  options_.target_latency_ns = options.target_latency_ns;
  if (std::exchange(options_.active_min, options.active_min) != options.active_min) {
    load_watch_.active.set_least(options.active_min);
    while (load_watch_.active.is_below_least()) UnparkOne(CoreChange::Cause::kSetting);
    stats_.SetActive(load_watch_.active);
  }
  admission_.set_max_in_flight_bytes(options.max_in_flight_bytes);
  deadlines_.SetCapacity(options.max_waiters);
  retention_.SetBounds(anchor_.NsToTicks(options.results_max_age_ns), options.results_max_bytes);
  const sys::Ticks threshold = anchor_.NsToTicks(int64_t{stall_threshold_ms} * 1'000'000);
  options_.stall_policy = options.stall_policy;
  options_.deadline_policy = options.deadline_policy;
  options_.blocking_stall_ns = options.blocking_stall_ns;
  stalls_.SetThresholds(threshold, anchor_.NsToTicks(options.blocking_stall_ns));
  PublishGauges();
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
    const std::optional<DropBound> bound = retention_.OldestMustGo(now);
    if (!bound.has_value()) return false;
    Drop(*bound);
  }
  return retention_.OldestMustGo(now).has_value();
}

// A few looks per threshold, and none while nothing is in flight.
template <class Env>
void Dispatcher<Env>::WatchForStalls(sys::Ticks now) {
  if (!HasOpen() || stalls_.look_ticks == 0) {
    stalls_.next_look = sys::kTicksForever;
    return;
  }
  if (stalls_.next_look == sys::kTicksForever) stalls_.next_look = now;
  if (now < stalls_.next_look) return;
  stalls_.next_look = now + stalls_.look_ticks;
  for (uint32_t core = 0; core < core_count_; ++core) {
    const RunningHandler running = sides_[core]->core.running();
    stalls_.detector.See(core, running, env_.Now());
    const std::optional<sys::Ticks> held = stalls_.detector.Look(core, now);
    if (!held.has_value()) continue;
    stats_.cores[core].stalls.Add();
    stalls_.Tell({.core = core,
                  .cpu = sides_[core]->core.options().cpu,
                  .thread_id = sides_[core]->core.thread_id(),
                  .holder = running,
                  .held_ns = anchor_.TicksToNs(*held),
                  .threshold_ns = anchor_.TicksToNs(stalls_.detector.threshold())});
    const bool may_demote = options_.stall_policy == StallPolicy::kDemote && has_pool();
    if (may_demote && stalls_.Demotes(sides_[core]->OriginalOf(*running.entry), now)) {
      stats_.demotions.Add();
    }
  }
  if (has_pool() && loads_[core_count_].InFlight() > 0) WatchThreads(now);
}

template <class Env>
void Dispatcher<Env>::WatchThreads(sys::Ticks now) {
  const BlockingPool& pool = sides_[core_count_]->core.blocking();
  for (uint32_t index = 0; index < pool.threads_max(); ++index) {
    const RunningHandler running = pool.thread(index).running();
    stalls_.thread_detector.See(index, running, now);  // Its runs have no number.
    const std::optional<sys::Ticks> held = stalls_.thread_detector.Look(index, now);
    if (!held.has_value()) continue;
    stats_.cores[core_count_].stalls.Add();
    stalls_.Tell({.core = core_count_,
                  .thread = index,
                  .cpu = sides_[core_count_]->core.options().cpu,
                  .thread_id = pool.thread(index).thread_id(),
                  .holder = running,
                  .held_ns = anchor_.TicksToNs(*held),
                  .threshold_ns = anchor_.TicksToNs(stalls_.thread_detector.threshold())});
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
    if (load.admitted[level] > started + unstarted + load.queue_depth_max) {
      stats_.CountViolation(Promise::kBound);
    }
    agree = agree && unstarted == load.ended_unstarted[level] &&
            started == load.ended[level] - load.ended_unstarted[level];
  }
  // What its handlers spawned may live on; only when nothing of that moves is the rest the Door's.
  const uint64_t spawned_ended = own.spawned_ended.value();
  const bool has_spawned =
      own.spawned.value() != spawned_ended || spawned_ended != side.spawned_ended_before;
  side.spawned_ended_before = spawned_ended;
  agree = agree && (has_spawned || own.live.value() == 0);
  if (quiet && !agree) stats_.CountViolation(Promise::kConservation);
}

}  // namespace weft
