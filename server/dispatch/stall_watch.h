#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/stall_detector.h"
#include "dispatch/dispatch_observer.h"
#include "dispatch/options.h"
#include "sys/clock.h"
#include "task/limits.h"

namespace weft {

// How often each handler held a core of late. Door thread only.
class StallTally {
 public:
  explicit StallTally(sys::Ticks window) : window_(window), stalls_(kMaxHandlers) {}

  // One more, now: whether it is the kStallsToDemote-th within the window.
  bool Count(uint16_t handler, sys::Ticks now) {
    Stalls& stalls = stalls_[handler];
    stalls.at[stalls.next] = now;
    stalls.next = (stalls.next + 1) % stalls.at.size();
    const sys::Ticks earliest = stalls.at[stalls.next];
    return earliest != kNever && now - earliest <= window_;
  }
  // As if it had never held one.
  void Forget(uint16_t handler) { stalls_[handler] = {}; }

 private:
  static constexpr sys::Ticks kNever = INT64_MIN;

  // The last ones, in a ring: `next` is the oldest.
  struct Stalls {
    std::array<sys::Ticks, kStallsToDemote> at = {kNever, kNever, kNever};
    size_t next = 0;
  };
  static_assert(kStallsToDemote == 3, "as many as are never at first");

  const sys::Ticks window_;
  std::vector<Stalls> stalls_;
};

// When the Door looks for handlers that hold a core or a thread of the pool, and who hears of them
// and of all else that is noticed. Owned by the Dispatcher. Door thread only.
struct StallWatch {
  struct Options {
    size_t cores = 0;
    size_t threads = 0;  // Of the pool.
    sys::Ticks threshold = 0;
    sys::Ticks thread_threshold = 0;
    sys::Ticks demote_window = 0;
  };

  explicit StallWatch(const Options& options)
      : detector(options.cores, options.threshold),
        thread_detector(options.threads, options.thread_threshold),
        tally(options.demote_window),
        look_ticks(std::min(options.threshold, options.thread_threshold) / 4) {}

  void SetThresholds(sys::Ticks threshold, sys::Ticks thread_threshold) {
    detector.set_threshold(threshold);
    thread_detector.set_threshold(thread_threshold);
    look_ticks = std::min(threshold, thread_threshold) / 4;
    next_look = sys::kTicksForever;
  }

  void Tell(const Stall& stall) {
    if (observer != nullptr) observer->OnStall(stall);
  }
  void TellAbsentCore(uint32_t core, std::string_view field) {
    if (observer != nullptr) observer->OnAbsentCore(core, field);
  }
  void TellCoreChange(const CoreChange& change) {
    if (observer != nullptr) observer->OnCoreChange(change);
  }
  // A handler has held a core once more. True: once too often, so that its new tasks go to the
  // blocking pool from now on.
  bool Demotes(const TaskEntry& entry, sys::Ticks now) {
    if (entry.pooled.is_set() || !tally.Count(entry.index, now)) return false;
    tally.Forget(entry.index);
    entry.pooled.Set(true);
    if (observer != nullptr) observer->OnDemoted(entry);
    return true;
  }

  StallDetector detector;         // By core.
  StallDetector thread_detector;  // By thread of the pool.
  StallTally tally;
  DispatchObserver* observer = nullptr;
  sys::Ticks look_ticks;  // Between two looks; 0: never.
  sys::Ticks next_look = sys::kTicksForever;
};

}  // namespace weft
