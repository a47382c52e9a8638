#pragma once

#include <algorithm>
#include <cstdint>

namespace weft {

// How many cores take new tasks: those before count(); the ones behind them are parked. The number
// follows the load between executor.active_min and all of them, one core at a time, and slowly:
// to take one in, the load has to be high for kUnparkLooks looks in a row, to park one, low for
// kParkLooks. What is high for some cores is far above what is low for one more, so that a steady
// load, and one that swings within a look or two, moves nothing. Owned by the Dispatcher. Door
// thread only; it looks every kLookNs.
class ActiveCores {
 public:
  static constexpr int64_t kLookNs = 100'000'000;
  // High: the active cores were busy for that share of their time, or so many tasks that could run
  // wait for each of them.
  static constexpr uint64_t kHighBusyPercent = 75;
  static constexpr uint64_t kHighQueued = 8;
  static constexpr uint32_t kUnparkLooks = 2;
  // Low: one core fewer would have been busy for at most that share, and not even one task a core
  // waits.
  static constexpr uint64_t kLowBusyPercent = 50;
  static constexpr uint32_t kParkLooks = 20;

  // What the active cores did since the look before, and what waits for them now.
  struct Load {
    uint64_t busy_percent = 0;  // Of one core's time, summed over them: 250 for two and a half.
    uint64_t queued = 0;        // Tasks not started, without those of paused handlers.
  };

  enum class Decision : uint8_t { kStay, kPark, kUnpark };

  // cores: one or more. All of them are active at first. least: see set_least.
  ActiveCores(uint32_t cores, uint32_t least) : cores_(cores), count_(cores) { set_least(least); }

  // executor.active_min: 0, or as many as there are: none is ever parked. More than that is as many
  // as there are. Cores that are then missing have to be taken in by the next calls of TryUnpark.
  void set_least(uint32_t least) {
    least_ = least == 0 ? cores_ : std::min(least, cores_);
    Restart();
  }

  uint32_t count() const { return count_; }
  uint32_t least() const { return least_; }
  uint32_t cores() const { return cores_; }
  bool is_active(uint32_t core) const { return core < count_; }
  // Whether there is anything to decide, ever.
  bool follows_load() const { return least_ < cores_; }
  bool is_below_least() const { return count_ < least_; }

  // One look. kPark: the last active core has been parked; kUnpark: one more is active.
  Decision Look(const Load& load);
  // Takes one more in at once, whatever the load is; false when all are active.
  bool TryUnpark();

 private:
  void Restart() { high_looks_ = low_looks_ = 0; }

  const uint32_t cores_;
  uint32_t count_;
  uint32_t least_ = 0;
  uint32_t high_looks_ = 0;  // In a row, up to now.
  uint32_t low_looks_ = 0;
};

}  // namespace weft
