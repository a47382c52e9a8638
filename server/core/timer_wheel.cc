#include "core/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace weft {

TimerWheel::TimerWheel(std::span<LiveTask> tasks, sys::Ticks now)
    : tasks_(tasks), now_unit_(static_cast<uint64_t>(now) >> kUnitShift) {
  for (Level& level : levels_) level.heads.fill(kNoSlot);
}

uint64_t TimerWheel::UnitUp(sys::Ticks due) {
  constexpr uint64_t kRound = (uint64_t{1} << kUnitShift) - 1;
  return (static_cast<uint64_t>(std::max<sys::Ticks>(due, 0)) + kRound) >> kUnitShift;
}

void TimerWheel::Arm(LiveTask* task, sys::Ticks due) {
  task->timer_due = due;
  task->timer_armed = true;
  ++armed_;
  Link(task, UnitUp(due));
}

void TimerWheel::Link(LiveTask* task, uint64_t unit) {
  unit = std::max(unit, now_unit_);
  const uint64_t differs = (unit ^ now_unit_) | (kSlots - 1);
  const int level = (static_cast<int>(std::bit_width(differs)) - 1) / kSlotBits;
  const size_t index = (unit >> (level * kSlotBits)) & (kSlots - 1);
  Level& wheel = levels_[static_cast<size_t>(level)];
  task->timer_level = static_cast<uint8_t>(level);
  task->timer_index = static_cast<uint8_t>(index);
  task->timer_previous = kNoSlot;
  task->timer_next = wheel.heads[index];
  if (task->timer_next != kNoSlot) tasks_[task->timer_next].timer_previous = task->slot;
  wheel.heads[index] = task->slot;
  wheel.occupied |= uint64_t{1} << index;
  occupied_levels_ |= uint32_t{1} << level;
}

void TimerWheel::Unlink(LiveTask* task) {
  Level& wheel = levels_[task->timer_level];
  if (task->timer_previous != kNoSlot) {
    tasks_[task->timer_previous].timer_next = task->timer_next;
  } else {
    wheel.heads[task->timer_index] = task->timer_next;
    if (task->timer_next == kNoSlot) wheel.occupied &= ~(uint64_t{1} << task->timer_index);
    if (wheel.occupied == 0) occupied_levels_ &= ~(uint32_t{1} << task->timer_level);
  }
  if (task->timer_next != kNoSlot) tasks_[task->timer_next].timer_previous = task->timer_previous;
  task->timer_armed = false;
  --armed_;
}

TimerWheel::Expiry TimerWheel::Next() const {
  if (occupied_levels_ == 0) return {};
  // Everything on a lower level is due before everything on a higher one.
  const int level = std::countr_zero(occupied_levels_);
  const auto index =
      static_cast<size_t>(std::countr_zero(levels_[static_cast<size_t>(level)].occupied));
  const int shift = level * kSlotBits;
  const uint64_t above = shift + kSlotBits < 64 ? ~uint64_t{0} << (shift + kSlotBits) : 0;
  return {level, index, (now_unit_ & above) | (uint64_t{index} << shift)};
}

LiveTask* TimerWheel::PopDue(sys::Ticks now) {
  const uint64_t unit_now = static_cast<uint64_t>(now) >> kUnitShift;
  for (Expiry next = Next(); next.level >= 0 && next.unit <= unit_now; next = Next()) {
    now_unit_ = std::max(now_unit_, next.unit);
    if (next.level > 0) {
      MoveDown(next.level, next.index);
      continue;
    }
    LiveTask* const task = &tasks_[levels_[0].heads[next.index]];
    Unlink(task);
    return task;
  }
  now_unit_ = std::max(now_unit_, unit_now);
  return nullptr;
}

// Spreads one slot over the lower levels, whole: what stayed behind while now_unit_ has entered the
// slot would wait for every timer of the lower levels.
void TimerWheel::MoveDown(int level, size_t index) {
  Level& wheel = levels_[static_cast<size_t>(level)];
  uint32_t slot = wheel.heads[index];
  wheel.heads[index] = kNoSlot;
  wheel.occupied &= ~(uint64_t{1} << index);
  if (wheel.occupied == 0) occupied_levels_ &= ~(uint32_t{1} << level);
  while (slot != kNoSlot) {
    LiveTask* const task = &tasks_[slot];
    slot = task->timer_next;
    Link(task, UnitUp(task->timer_due));
  }
}

sys::Ticks TimerWheel::NextDue() const {
  const Expiry next = Next();
  if (next.level < 0) return sys::kTicksForever;
  // A due time rounded up may lie just beyond what ticks can hold.
  return static_cast<sys::Ticks>(
      std::min(next.unit << kUnitShift, static_cast<uint64_t>(sys::kTicksForever)));
}

}  // namespace weft
