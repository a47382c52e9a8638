#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/live_task.h"
#include "executor/task_context.h"

namespace weft {

// The tasks of one core that could run, in three strict levels with a share for age. Links tasks
// intrusively; bounded by the slots there are, so that a push never fails. Core thread only.
//
// Order. The highest level that has a task gives its oldest. But when a task of a lower level has
// been ready for age_limit or longer, and at least kAgedShare - 1 dispatches were made since the
// last that was given for age, the oldest such task goes first. So aged tasks get at most one in
// kAgedShare dispatches, and while the core turns, a task that finds m - 1 tasks of lower levels
// ready before it waits at most age_limit + kAgedShare * m dispatches.
//
// A fresh task that needs a stack when none is spare is set aside (SetAside) without losing its
// place in its level: it comes first again as soon as Pop is told that a stack is spare. One whose
// handler is paused is held (Hold): Pop does not give it until Release put it back among the tasks
// of its level by age.
class ReadyQueue {
 public:
  static constexpr uint32_t kAgedShare = 16;

  explicit ReadyQueue(sys::Ticks age_limit) : age_limit_(age_limit) {}

  // Any thread. From the next look on.
  void set_age_limit(sys::Ticks age_limit) {
    age_limit_.store(age_limit, std::memory_order_relaxed);
  }

  // task->ready_since and task->priority are set. At the end of its level.
  void Push(LiveTask* task) {
    task->place = TaskPlace::kReady;
    Append(&LevelOf(task).ready, task);
    occupied_ |= BitOf(task);
  }

  // What to run now, unlinked, or null. stack_spare: tasks that were set aside may be given.
  LiveTask* Pop(sys::Ticks now, bool stack_spare) {
    const uint32_t levels = occupied_ | (stack_spare ? aside_ : 0);
    if (levels == 0) return nullptr;
    size_t level = static_cast<size_t>(std::countr_zero(levels));
    ++since_aged_;
    // One level only, or its turn has not come: the common case costs one comparison.
    if ((levels & (levels - 1)) != 0 && since_aged_ >= kAgedShare) [[unlikely]] {
      level = AgedLevel(level, levels, now, stack_spare);
    }
    LiveTask* task = HeadOf(level, stack_spare);
    Remove(task);
    return task;
  }

  // A fresh task just popped that cannot run without a stack.
  void SetAside(LiveTask* task) {
    task->place = TaskPlace::kStackWait;
    Append(&LevelOf(task).aside, task);
    aside_ |= BitOf(task);
  }

  // A fresh task just popped whose handler is paused.
  void Hold(LiveTask* task) {
    task->place = TaskPlace::kHeld;
    Append(&LevelOf(task).held, task);
    ++held_;
  }

  // Makes ready again what is held for that handler, in the order in which it was ready before.
  // Walks over all that is held and what is older: bounded by the slots, and rare.
  void Release(const TaskEntry* entry) {
    for (Level& level : levels_) {
      LiveTask* before = level.ready.head;
      for (LiveTask *task = level.held.head, *next = nullptr; task != nullptr; task = next) {
        next = task->next;
        if (task->entry != entry) continue;
        Remove(task);
        while (before != nullptr && before->ready_since <= task->ready_since) before = before->next;
        task->place = TaskPlace::kReady;
        InsertBefore(before, &level.ready, task);
        occupied_ |= BitOf(task);
      }
    }
  }

  // Tasks that Hold linked.
  size_t held() const { return held_; }

  // Unlinks a task that Push, SetAside or Hold linked.
  void Remove(LiveTask* task) {
    Level& level = LevelOf(task);
    if (task->place == TaskPlace::kReady) {
      Unlink(&level.ready, task);
      if (level.ready.head == nullptr) occupied_ &= ~BitOf(task);
    } else if (task->place == TaskPlace::kStackWait) {
      Unlink(&level.aside, task);
      if (level.aside.head == nullptr) aside_ &= ~BitOf(task);
    } else {
      Unlink(&level.held, task);
      --held_;
    }
    task->place = TaskPlace::kNowhere;
  }

  // Whether Pop would give anything.
  bool CanPop(bool stack_spare) const { return (occupied_ | (stack_spare ? aside_ : 0)) != 0; }

  // Counts by walking the lists: for checks and tests, not for the hot path.
  size_t CountLinked() const {
    size_t count = 0;
    for (const Level& level : levels_) {
      for (const List* list : {&level.ready, &level.aside, &level.held}) {
        for (const LiveTask* task = list->head; task != nullptr; task = task->next) ++count;
      }
    }
    return count;
  }

 private:
  struct List {
    LiveTask* head = nullptr;
    LiveTask* tail = nullptr;
  };
  struct Level {
    List ready;
    List aside;
    List held;
  };

  static uint32_t BitOf(const LiveTask* task) {
    return uint32_t{1} << static_cast<uint32_t>(task->priority);
  }
  Level& LevelOf(const LiveTask* task) { return levels_[static_cast<size_t>(task->priority)]; }

  static void Append(List* list, LiveTask* task) {
    task->next = nullptr;
    task->previous = list->tail;
    (list->tail != nullptr ? list->tail->next : list->head) = task;
    list->tail = task;
  }

  // Null: at the end.
  static void InsertBefore(LiveTask* next, List* list, LiveTask* task) {
    if (next == nullptr) return Append(list, task);
    task->next = next;
    task->previous = next->previous;
    (next->previous != nullptr ? next->previous->next : list->head) = task;
    next->previous = task;
  }

  static void Unlink(List* list, LiveTask* task) {
    (task->previous != nullptr ? task->previous->next : list->head) = task->next;
    (task->next != nullptr ? task->next->previous : list->tail) = task->previous;
  }

  LiveTask* HeadOf(size_t level, bool stack_spare) const {
    const Level& lists = levels_[level];
    return stack_spare && lists.aside.head != nullptr ? lists.aside.head : lists.ready.head;
  }

  // The level below `best` whose head has aged and is the oldest; `best` if there is none.
  size_t AgedLevel(size_t best, uint32_t levels, sys::Ticks now, bool stack_spare) {
    size_t chosen = best;
    sys::Ticks oldest = now - age_limit_.load(std::memory_order_relaxed);
    for (size_t level = best + 1; level < kPriorityCount; ++level) {
      if ((levels >> level & 1U) == 0) continue;
      const sys::Ticks since = HeadOf(level, stack_spare)->ready_since;
      if (since > oldest) continue;
      oldest = since;
      chosen = level;
    }
    if (chosen != best) since_aged_ = 0;
    return chosen;
  }

  std::atomic<sys::Ticks> age_limit_;
  uint32_t occupied_ = 0;  // Bit per level: something in `ready`.
  uint32_t aside_ = 0;     // Bit per level: something in `aside`.
  uint32_t since_aged_ = 0;
  size_t held_ = 0;
  std::array<Level, kPriorityCount> levels_;
};

}  // namespace weft
