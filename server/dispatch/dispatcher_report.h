#pragma once
// What the Dispatcher tells of itself: gauges, snapshots, whether there is work. Included by
// dispatcher.cc only.

#include <algorithm>
#include <memory>

#include "dispatch/dispatcher.h"

namespace weft {
namespace dispatch_internal {

inline bool Meets(int64_t target_latency_ns, const ExecutionSums& recent) {
  return recent.AverageNs() <= static_cast<uint64_t>(std::max<int64_t>(0, target_latency_ns));
}

// The threads of the blocking pool's core.
template <class Env>
PoolSnapshot Snapshot(Core<Env>& core, sys::Ticks now) {
  const BlockingPool& pool = core.blocking();
  PoolSnapshot snapshot;
  snapshot.max_queue_depth = core.options().max_queue_depth;
  snapshot.threads = pool.alive();
  snapshot.threads_max = pool.threads_max();
  snapshot.threads_refused = pool.refused();
  for (uint32_t index = 0; index < pool.threads_max(); ++index) {
    const RunningHandler running = ReadRunning(pool.thread(index));
    if (running.entry == nullptr) continue;
    const sys::Ticks held = std::max<sys::Ticks>(now - running.since, 0);
    snapshot.busy.push_back({.thread = index,
                             .handler = running.entry->index,
                             .running_for_ns = core.env().anchor().TicksToNs(held)});
  }
  return snapshot;
}

}  // namespace dispatch_internal

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
  const sys::Ticks now = env_.Now();
  for (uint32_t core = 0; core < sides_.size(); ++core) {
    if (!LookAgain(core, now)) RefreshLoad(core);
    if (sides_[core]->ledger.has_value()) {
      stats_.cores[core].work_ahead_ns.Set(
          static_cast<int64_t>(anchor_.DurationNs(loads_[core].WorkAhead(Priority::kLow, now))));
    }
    for (size_t level = 0; level < kPriorityCount; ++level) {
      stats_.cores[core].queued[level].Set(
          static_cast<int64_t>(loads_[core].Queued(static_cast<Priority>(level))));
    }
  }
  const ExecutionSums recent = window_.Recent();
  stats_.lifetime.Set(window_.Lifetime());
  stats_.recent.Set(recent);
  stats_.bounds.Set(options_);
  stats_.target_latency_ns.Set(options_.target_latency_ns);
  stats_.target_met.Set(dispatch_internal::Meets(options_.target_latency_ns, recent) ? 1 : 0);
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
  PublishGauges();
  StatsSnapshot snapshot;
  snapshot.lifetime = window_.Lifetime();
  snapshot.last_10s = window_.Recent();
  snapshot.active_workers = core_count_;
  snapshot.active_cores = load_watch_.active.count();
  snapshot.target_latency_ns = options_.target_latency_ns;
  snapshot.meeting_latency_target =
      dispatch_internal::Meets(options_.target_latency_ns, snapshot.last_10s);
  snapshot.accepted = stats_.accepted.value();
  const auto ended = [this](TaskState state) {
    return stats_.ended[static_cast<size_t>(state)].value();
  };
  snapshot.succeeded = ended(TaskState::kSucceeded);
  snapshot.failed = ended(TaskState::kFailed);
  snapshot.cancelled = ended(TaskState::kCancelled);
  snapshot.expired = ended(TaskState::kExpired);
  snapshot.in_flight = in_flight();
  for (size_t reason = 0; reason < kRefusalReasonCount; ++reason) {
    snapshot.refused_by_reason[reason] = stats_.refused_tasks[reason].value();
    snapshot.refused += snapshot.refused_by_reason[reason];
  }
  snapshot.results_kept = retention_.count();
  snapshot.results_kept_bytes = retention_.bytes();
  snapshot.waiters = deadlines_.size();
  snapshot.promise_violations = stats_.Violations();
  snapshot.draining = draining();
  snapshot.max_queue_depth = options_.max_queue_depth;
  for (uint32_t core = 0; core < sides_.size(); ++core) {
    if (core < core_count_) snapshot.cores.push_back(SnapshotCore(core));
    const CoreStats& own = sides_[core]->core.stats();
    snapshot.promise_violations += own.violations.value();
    for (const Counter& operations : own.io.operations)
      snapshot.io_operations += operations.value();
    for (const Counter& failures : own.io.failures) snapshot.io_failed += failures.value();
    snapshot.io_in_flight += static_cast<uint64_t>(own.io.in_flight.value());
  }
  if (has_pool()) {
    snapshot.pool = dispatch_internal::Snapshot(sides_[core_count_]->core, env_.Now());
    snapshot.pool->counts = SnapshotCore(core_count_);
    snapshot.pool->refused = stats_.pool_refused.total();
  }
  return snapshot;
}

template <class Env>
RunningHandler Dispatcher<Env>::Running(uint32_t core) {
  RunningHandler running = ReadRunning(sides_[core]->core);
  stalls_.detector.See(core, running, env_.Now());
  running.since = stalls_.detector.HeldSince(core);
  return running;
}

template <class Env>
CoreSnapshot Dispatcher<Env>::SnapshotCore(uint32_t core) {
  RefreshLoad(core);
  const CoreLoad& load = loads_[core];
  const CoreStats& own = sides_[core]->core.stats();
  CoreSnapshot snapshot;
  const CoreOptions& options = sides_[core]->core.options();
  snapshot.cpu = static_cast<uint32_t>(options.cpu);
  snapshot.package = options.package;
  snapshot.numa_node = options.numa_node;
  if (core < core_count_ && !load_watch_.active.is_active(core)) {
    snapshot.state = load.InFlight() > 0 ? CoreState::kDraining : CoreState::kParked;
  }
  for (size_t level = 0; level < kPriorityCount; ++level) {
    snapshot.queued[level] = load.Queued(static_cast<Priority>(level));
    const uint64_t executed = load.ended[level] - load.ended_unstarted[level];
    snapshot.started += load.started[level] - executed;
    snapshot.executed += executed;
  }
  snapshot.held = static_cast<uint64_t>(own.held.value());
  snapshot.stack_waits = own.stack_waits.value();
  snapshot.sleeps = own.sleeps.value();
  snapshot.wakes = own.wakes.load(std::memory_order_relaxed);
  snapshot.stalls = stats_.cores[core].stalls.value();
  return snapshot;
}

}  // namespace weft
