#pragma once
// Which cores take new tasks: looks at the load, parks the last of them and takes one in again.
// Included by dispatcher.cc only.

#include <algorithm>

#include "dispatch/dispatcher.h"

namespace weft {

// Returns when to look again.
template <class Env>
sys::Ticks Dispatcher<Env>::FollowLoad(sys::Ticks now) {
  ActiveCores& active = load_watch_.active;
  if (!active.follows_load() || draining()) return sys::kTicksForever;
  const sys::Ticks due = load_watch_.looked_at + load_watch_.look_ticks;
  if (now < due) return due;
  MeasureLoad(now);
  switch (active.Look(load_watch_.seen)) {
    case ActiveCores::Decision::kPark:
      TellCoreChange(active.count(), CoreChange::Cause::kLoad);
      break;
    case ActiveCores::Decision::kUnpark:
      TellCoreChange(active.count() - 1, CoreChange::Cause::kLoad);
      break;
    case ActiveCores::Decision::kStay:
      break;
  }
  // With the fewest at rest there is nothing to see until work comes, and then the Door ticks.
  const bool at_rest = active.count() == active.least() && !HasOpen();
  return at_rest ? sys::kTicksForever : now + load_watch_.look_ticks;
}

// A core's own count grows when a turn is over, so the task that runs now is added to it; what is
// counted too short that way, those before it in its turn, is in the next look's as far as that has
// room for it.
template <class Env>
void Dispatcher<Env>::MeasureLoad(sys::Ticks now) {
  const auto span_ns =
      static_cast<uint64_t>(std::max<int64_t>(anchor_.TicksToNs(now - load_watch_.looked_at), 1));
  load_watch_.looked_at = now;
  load_watch_.seen = {};
  for (uint32_t core = 0; core < core_count_; ++core) {
    Side& side = *sides_[core];
    const RunningHandler running = ReadRunning(side.core);
    uint64_t busy_ns = side.core.stats().busy_ns.value();
    if (running.entry != nullptr && running.since < now) {
      busy_ns += static_cast<uint64_t>(anchor_.TicksToNs(now - running.since));
    }
    busy_ns = std::max(busy_ns, side.busy_ns_before);
    const uint64_t gained_ns = std::min(busy_ns - side.busy_ns_before, span_ns);
    side.busy_ns_before = busy_ns;
    if (!load_watch_.active.is_active(core)) continue;
    load_watch_.seen.busy_percent += gained_ns * 100 / span_ns;
    RefreshLoad(core);
    uint64_t queued = 0;
    for (size_t level = 0; level < kPriorityCount; ++level) {
      queued += loads_[core].Queued(static_cast<Priority>(level));
    }
    const auto held = static_cast<uint64_t>(side.core.stats().held.value());
    load_watch_.seen.queued += queued - std::min(queued, held);
  }
}

// Takes one more core in at once, whatever the load. False: there is none.
template <class Env>
bool Dispatcher<Env>::UnparkOne(CoreChange::Cause cause) {
  if (!load_watch_.active.TryUnpark()) return false;
  TellCoreChange(load_watch_.active.count() - 1, cause);
  return true;
}

// To the core itself with the next Flush.
template <class Env>
void Dispatcher<Env>::TellCoreChange(uint32_t core, CoreChange::Cause cause) {
  const bool is_active = load_watch_.active.is_active(core);
  sides_[core]->staged.push_back({.kind = is_active ? MessageKind::kServe : MessageKind::kRest});
  (is_active ? stats_.core_unparks : stats_.core_parks).Add();
  stats_.SetActive(load_watch_.active);
  stalls_.TellCoreChange({.cpu = sides_[core]->core.options().cpu,
                          .is_active = is_active,
                          .cause = cause,
                          .active = load_watch_.active.count(),
                          .least = load_watch_.active.least(),
                          .busy_percent = load_watch_.seen.busy_percent,
                          .queued = load_watch_.seen.queued});
}

}  // namespace weft
