#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace weft {

// What one look at a thread saw.
struct LifeSign {
  uint64_t beats = 0;    // Grows while the thread turns.
  bool resting = false;  // It sleeps, and a wake-up would make it turn.
  bool held = false;     // It is inside a handler: the stall detector's business, not ours.
};

// Decides whether the service manager's watchdog is fed: while every thread that must turn does, or
// rests, or is held by a handler. It counts looks and reads no clock, so a process that was stopped
// or a machine that slept is not taken for a thread that hangs. One thread only.
class Watchdog {
 public:
  // A thread without a sign of life for so many looks in a row is stuck. At least 1.
  explicit Watchdog(int patience_looks) : patience_looks_(patience_looks) {}

  // The threads as seen now, each at the same place every time. The first that is stuck; none:
  // feed.
  std::optional<size_t> Look(std::span<const LifeSign> threads);

 private:
  struct Seen {
    uint64_t beats = 0;
    int silent_looks = 0;
  };

  const int patience_looks_;
  std::vector<Seen> seen_;
};

}  // namespace weft
