#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "executor/task_entry.h"
#include "sys/clock.h"

namespace weft {

// The handler that holds a core, or a thread, at this moment.
struct RunningHandler {
  const TaskEntry* entry = nullptr;  // Null: none.
  // When it began to; of a run with a number a time not after that.
  sys::Ticks since = 0;
  // Another for each run on its core, unless that is the pool's; 0: `since` tells runs apart.
  uint64_t run = 0;

  bool operator==(const RunningHandler&) const = default;
};

// The running() of a core or a thread in one piece: its words are read apart, and what is read
// twice alike is what was, or names the handler that has just ended and when it did. Reads a few
// times at most; then the last will do.
template <class Runner>
RunningHandler ReadRunning(const Runner& runner) {
  constexpr int kMostReads = 4;
  RunningHandler running = runner.running();
  for (int read = 1; read < kMostReads; ++read) {
    const RunningHandler again = runner.running();
    if (again == running) break;
    running = again;
  }
  return running;
}

// Finds handlers that hold their core longer than they should, so that they can be named: nobody is
// preempted, so everything on that core waits for them. One thread only, which looks at every core
// a few times per threshold.
class StallDetector {
 public:
  StallDetector(size_t cores, sys::Ticks threshold) : threshold_(threshold), seen_(cores) {}

  // From the next look on.
  void set_threshold(sys::Ticks threshold) { threshold_ = threshold; }
  sys::Ticks threshold() const { return threshold_; }

  // Takes note of what runs on a core. now: not before that was read.
  void See(size_t core, const RunningHandler& running, sys::Ticks now) {
    Seen& seen = seen_[core];
    if (running == seen.running) return;
    const bool is_exact = running.run == 0;
    seen = {running, is_exact ? running.since : std::max(running.since, now)};
  }

  // Since when what was seen last holds its core: when it began to, but of a run with a number when
  // it was first seen, or as near to its beginning as it tells.
  sys::Ticks HeldSince(size_t core) const { return seen_[core].since; }

  // Ticks a core has been held, once per hold, when that has reached the threshold. now: not after
  // what See was told was read. A hold counts from its second look on: the words of `running` are
  // read apart, and what never was does not come twice.
  std::optional<sys::Ticks> Look(size_t core, sys::Ticks now) {
    Seen& seen = seen_[core];
    const bool is_new = !std::exchange(seen.looked_at, true);
    const sys::Ticks held = now - seen.since;
    if (is_new || seen.running.entry == nullptr || seen.reported || held < threshold_) {
      return std::nullopt;
    }
    seen.reported = true;
    return held;
  }

 private:
  struct Seen {
    RunningHandler running;
    sys::Ticks since = 0;
    bool looked_at = false;
    bool reported = false;
  };

  sys::Ticks threshold_;
  std::vector<Seen> seen_;
};

}  // namespace weft
