#pragma once
// When tasks are expected to start: what is seen of the cores, what is learned of the handlers, who
// is refused for it. Included by dispatcher.cc only.

#include <algorithm>
#include <utility>

#include "dispatch/dispatcher.h"

namespace weft {
namespace dispatch_internal {

// A deadline is worth a look every StartForecast::kLookNs; where a task goes that has none, and
// what is told of it, every so many times that.
inline constexpr sys::Ticks kRareLooks = 16;

inline bool IsLookDue(const CoreLoad& load, const StartForecast& forecast, sys::Ticks now) {
  return now - load.looked_at >= kRareLooks * forecast.look_ticks;
}

}  // namespace dispatch_internal

// Counts of started tasks are read from a core only when it drained something or seems to have no
// room: until then they err towards a deeper queue, which never breaks the bound.
template <class Env>
void Dispatcher<Env>::RefreshLoad(uint32_t core) {
  const Side& side = *sides_[core];
  CoreLoad& load = loads_[core];
  for (size_t level = 0; level < kPriorityCount; ++level) {
    load.started[level] = side.core.started(static_cast<Priority>(level));
  }
  if (!side.ledger.has_value()) return;
  for (size_t level = 0; level < kPriorityCount; ++level) {
    const auto priority = static_cast<Priority>(level);
    const uint64_t queued = load.Queued(priority);
    // Those that are held let others pass. Of which level they are nobody tells: of any.
    const uint64_t waiting = queued - std::min(queued, load.held);
    load.charged_gone[level] =
        side.ledger->ChargedBefore(priority, load.admitted[level], waiting, load.charged[level]);
  }
  // With the last end drained nothing runs, whatever the last look saw.
  if (!load.HasStarted()) load.busy_until = 0;
}

// What a core runs is on lines that it writes with each task, so it is looked at now and then.
// True: it was, and the load refreshed.
template <class Env>
bool Dispatcher<Env>::LookAgain(uint32_t core, sys::Ticks now) {
  const Side& side = *sides_[core];
  CoreLoad& load = loads_[core];
  if (!side.ledger.has_value() || now - load.looked_at < forecast_.look_ticks) return false;
  load.looked_at = now;
  // Before the counts, so that what it names counts as started.
  const RunningHandler running = ReadRunning(side.core);
  const sys::Ticks estimate =
      running.entry == nullptr ? 0 : forecast_.costs.Of(running.entry->index);
  load.runs_unknown = running.entry != nullptr && estimate == 0;
  load.busy_until = 0;
  if (estimate > 0) {
    const sys::Ticks left = running.since + estimate - now;
    load.busy_until = now + std::max(left, -left);
  }
  load.held = static_cast<uint64_t>(side.core.stats().held.value());
  RefreshLoad(core);
  return true;
}

template <class Env>
inline uint32_t Dispatcher<Env>::Choose(Priority priority, sys::Ticks now) {
  if (load_watch_.active.count() == 1) return 0;
  const std::span<const CoreLoad> active(loads_.data(), load_watch_.active.count());
  return static_cast<uint32_t>(router_.Choose(active, priority, now));
}

template <class Env>
bool Dispatcher<Env>::StartsInTime(const TaskSpec& spec, Arrival arrival) const {
  const uint64_t ahead = loads_[arrival.core].WorkAhead(spec.priority, arrival.at);
  // At its deadline a core no longer starts it.
  return anchor_.DurationNs(ahead) < static_cast<uint64_t>(spec.timeout_ns);
}

// Of a task with a deadline that there is room for. Nothing is refused for its deadline that
// another core could start in time, were it a parked one, unless it named its core.
template <class Env>
std::optional<Refusal> Dispatcher<Env>::CheckDeadline(const TaskSpec& spec, bool is_named,
                                                      Arrival* arrival) {
  const sys::Ticks now = arrival->at;
  if (!sides_[arrival->core]->ledger.has_value()) return std::nullopt;
  if (loads_[arrival->core].InFlight() > 0) LookAgain(arrival->core, now);
  if (StartsInTime(spec, *arrival)) [[likely]]
    return std::nullopt;
  if (options_.deadline_policy == DeadlinePolicy::kQueue) return std::nullopt;
  RefreshLoad(arrival->core);
  if (!is_named) {
    for (uint32_t core = 0; core < core_count_; ++core) LookAgain(core, now);
    do {
      // One that has room, as there is one.
      arrival->core = Choose(spec.priority, now);
    } while (!StartsInTime(spec, *arrival) && UnparkOne(CoreChange::Cause::kNoRoom));
  }
  if (StartsInTime(spec, *arrival)) return std::nullopt;
  const uint64_t ahead = loads_[arrival->core].WorkAhead(spec.priority, now);
  return admission_.WouldMissDeadline(
      arrival->core, {.predicted_start_ns = static_cast<int64_t>(anchor_.DurationNs(ahead)),
                      .deadline_ns = spec.timeout_ns});
}

// When trying again can help, from what waits, if that is known.
template <class Env>
Refusal Dispatcher<Env>::WithHint(Priority priority, Arrival arrival, Refusal refusal) {
  if (!sides_[arrival.core]->ledger.has_value()) return refusal;
  LookAgain(arrival.core, arrival.at);
  const uint64_t wait = loads_[arrival.core].UntilRoom(priority, arrival.at);
  if (wait > 0) refusal.retry_after_ns = Admission::RetryAfterNs(anchor_.DurationNs(wait));
  return refusal;
}

// From a task of a core, that its handler has begun and whose start was foretold.
template <class Env>
void Dispatcher<Env>::Learn(const DoorTask& task, const Completion& ended, int64_t waited_ns) {
  forecast_.costs.Learn(task.entry->index, ended.completed - ended.started - ended.suspended);
  const int64_t error_ns =
      waited_ns - task.anchor.TicksToNs(static_cast<int64_t>(task.expected_wait));
  if (error_ns < 0) {
    stats_.starts_early.Record(-error_ns);
  } else {
    stats_.starts_late.Record(error_ns);
  }
}

}  // namespace weft
