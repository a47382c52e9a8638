#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "executor/task_context.h"
#include "sys/clock.h"

namespace weft {

// The handler that holds a core at this moment.
struct RunningHandler {
  const TaskEntry* entry = nullptr;  // Null: none.
  sys::Ticks since = 0;

  bool operator==(const RunningHandler&) const = default;
};

// The running() of a core or a thread in one piece: its two words are read apart, and a pair that
// is read twice alike is one that was, or names the handler that has just ended and when it did.
// Reads a few times at most; then the last pair will do.
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

  // What runs on a core as of now. Ticks it has been held, once per hold, when that has reached the
  // threshold. A hold counts from its second look on: the two words of `running` are read apart,
  // and a pair that never was does not come twice.
  std::optional<sys::Ticks> Look(size_t core, const RunningHandler& running, sys::Ticks now) {
    Seen& seen = seen_[core];
    if (running != seen.running) {
      seen = {running, false};
      return std::nullopt;
    }
    if (running.entry == nullptr || seen.reported || now - running.since < threshold_) {
      return std::nullopt;
    }
    seen.reported = true;
    return now - running.since;
  }

 private:
  struct Seen {
    RunningHandler running;
    bool reported = false;
  };

  sys::Ticks threshold_;
  std::vector<Seen> seen_;
};

}  // namespace weft
