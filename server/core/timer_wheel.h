#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/live_task.h"
#include "sys/clock.h"

namespace weft {

// One timer per task: its deadline while it is queued, the earlier of deadline and wake-up while it
// is suspended. A hierarchical wheel: insert and cancel are O(1), a timer moves down at most
// kLevels - 1 times. Links tasks by slot number. Core thread only.
//
// Time is counted in units of 2^kUnitShift ticks (1 to 4 microseconds). A due time is rounded up,
// so that a timer never fires early. Level L holds what differs from now first in the L-th group
// of six bits (the scheme of Varghese and Lauck, with a bitmap per level to find the next).
class TimerWheel {
 public:
  static constexpr int kUnitShift = 12;
  static constexpr int kLevels = 9;  // 9 * 6 bits hold every time there is.

  // tasks: all slots of the core; they outlive the wheel. now: its start.
  TimerWheel(std::span<LiveTask> tasks, sys::Ticks now);

  // The task has no timer armed. due may lie in the past: it fires at the next Advance.
  void Arm(LiveTask* task, sys::Ticks due);
  // Harmless when none is armed.
  void Disarm(LiveTask* task) {
    if (task->timer_armed) Unlink(task);
  }

  // The next task that is due at `now`, disarmed, or null. Call until null or until the caller's
  // own bound. now never goes back.
  LiveTask* PopDue(sys::Ticks now);

  // A time not later than the next timer's; kTicksForever when none is armed.
  sys::Ticks NextDue() const;

  size_t armed() const { return armed_; }

 private:
  static constexpr int kSlotBits = 6;
  static constexpr size_t kSlots = size_t{1} << kSlotBits;

  struct Level {
    uint64_t occupied = 0;
    std::array<uint32_t, kSlots> heads;
  };
  struct Expiry {
    int level = -1;  // -1: none.
    size_t index = 0;
    uint64_t unit = 0;
  };

  static uint64_t UnitUp(sys::Ticks due);
  void Link(LiveTask* task, uint64_t unit);
  void Unlink(LiveTask* task);
  void MoveDown(int level, size_t index);
  Expiry Next() const;

  std::span<LiveTask> tasks_;
  uint64_t now_unit_;
  size_t armed_ = 0;
  uint32_t occupied_levels_ = 0;  // Bit per level that has a timer.
  std::array<Level, kLevels> levels_;
};

}  // namespace weft
