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
// last that was given for age, the oldest such task goes first, unless the other is older. So aged
// tasks get at most one in kAgedShare dispatches, and while the core turns, a task beside which
// m - 1 tasks of lower levels became ready before it or at the same time waits at most
// age_limit + kAgedShare * m dispatches.
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

  // As Pop, where that is one look: null also when something was set aside, or when an aged task
  // might go first.
  LiveTask* PopPlain() {
    const uint32_t levels = occupied_;
    const bool is_plain =
        aside_ == 0 && ((levels & (levels - 1)) == 0 || since_aged_ < kAgedShare - 1);
    if (levels == 0 || !is_plain) return nullptr;
    ++since_aged_;
    const size_t level = static_cast<size_t>(std::countr_zero(levels));
    LiveTask* const task = levels_[level].ready.head;
    UnlinkHead(level, task);
    return task;
  }

  // What to run now, unlinked, or null. stack_spare: tasks that were set aside may be given.
  LiveTask* Pop(sys::Ticks now, bool stack_spare);

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
  void Release(const TaskEntry* entry);

  // Tasks that Hold linked.
  size_t held() const { return held_; }

  // Unlinks a task that Push, SetAside or Hold linked.
  void Remove(LiveTask* task);

  // Whether Pop would give anything.
  bool CanPop(bool stack_spare) const { return (occupied_ | (stack_spare ? aside_ : 0)) != 0; }

  // Counts by walking the lists: for checks and tests, not for the hot path.
  size_t CountLinked() const;

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
  static void InsertBefore(LiveTask* next, List* list, LiveTask* task);

  void UnlinkHead(size_t level, LiveTask* task) {
    List& ready = levels_[level].ready;
    LiveTask* const next = task->next;
    ready.head = next;
    if (next != nullptr) {
      next->previous = nullptr;
      __builtin_prefetch(&next->state);  // Its other line, while this task runs.
    } else {
      ready.tail = nullptr;
      occupied_ &= ~(uint32_t{1} << level);
    }
    task->place = TaskPlace::kNowhere;
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
  size_t AgedLevel(size_t best, uint32_t levels, sys::Ticks now, bool stack_spare);

  std::atomic<sys::Ticks> age_limit_;
  uint32_t occupied_ = 0;  // Bit per level: something in `ready`.
  uint32_t aside_ = 0;     // Bit per level: something in `aside`.
  uint32_t since_aged_ = 0;
  size_t held_ = 0;
  std::array<Level, kPriorityCount> levels_;
};

}  // namespace weft
