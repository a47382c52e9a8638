#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/live_task.h"
#include "core/runner.h"
#include "executor/task_entry.h"

namespace weft {

// The tasks of one core that could run, in three strict levels with a share for age. Links tasks
// intrusively; bounded by the slots there are, so that a push never fails. Core thread only.
//
// Order. The highest level that has a task gives its oldest. But when a task of a lower level has
// been ready for age_limit or longer, and at least kAgedShare - 1 dispatches were made since the
// last that was given for age, the oldest such task goes first; but none before an older one of
// another lower level, where that is the highest that has a task. So aged tasks get at most one in
// kAgedShare dispatches, and while the core turns, a task beside which m - 1 tasks of lower levels
// became ready before it or at the same time waits at most age_limit + kAgedShare * m dispatches.
// All by the core's clock: with timing off that stands for up to ClockPace::kMost tasks run, so
// when long ones follow short ones, so many more may go first.
//
// A fresh task that needs a stack when none is spare is set aside (SetAside) without losing its
// place in its level: it comes first again as soon as Pop is told that a stack is spare. One whose
// handler is paused is held (Hold): Pop does not give it until Release put it back among the tasks
// of its level by age. Its wait counts from then on, and it counts once more among the m of others.
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
    if (Append(&ready_[LevelOf(task)], task)) occupied_ |= BitOf(task);
  }

  // As Pop, where that is one look: null also when something was set aside, or when an aged task
  // might go first.
  LiveTask* PopPlain() {
    const uint32_t levels = occupied_;
    if (levels == 0 || aside_ != 0) return nullptr;
    if ((levels & (levels - 1)) != 0 && given_ - given_at_aged_ >= kAgedShare - 1) return nullptr;
    ++given_;
    return TakeHead(static_cast<uint32_t>(std::countr_zero(levels)));
  }

  // What to run now, unlinked, or null. stack_spare: tasks that were set aside may be given.
  LiveTask* Pop(sys::Ticks now, bool stack_spare);

  // How many tasks were popped; only grows.
  uint64_t given() const { return given_; }

  // A fresh task just popped that cannot run without a stack.
  void SetAside(LiveTask* task) {
    task->place = TaskPlace::kStackWait;
    Append(&set_aside_[LevelOf(task)], task);
    aside_ |= BitOf(task);
  }

  // A fresh task just popped whose handler is paused.
  void Hold(LiveTask* task) {
    task->place = TaskPlace::kHeld;
    Append(&held_[LevelOf(task)], task);
    ++held_count_;
  }

  // Makes ready again what is held for that handler: each before the first of its level that became
  // ready after it. Walks over all that is held and what is older, over the latter once more for
  // each that is older than the one held before it; rare.
  void Release(const TaskEntry* entry);

  // Tasks that Hold linked.
  size_t held() const { return held_count_; }

  // Unlinks a task that Push, SetAside or Hold linked.
  void Remove(LiveTask* task);

  // Whether Pop would give anything.
  bool CanPop(bool stack_spare) const { return (occupied_ | (stack_spare ? aside_ : 0)) != 0; }

  // Whether anything is linked by Push.
  bool HasReady() const { return occupied_ != 0; }

  // Counts by walking the lists: for checks and tests, not for the hot path.
  size_t CountLinked() const;

 private:
  // Empty: no head. What has no neighbour on a side says nothing of it: each store that a task
  // costs is felt.
  struct List {
    LiveTask* head = nullptr;
    LiveTask* tail = nullptr;

    LiveTask* After(const LiveTask* task) const { return task == tail ? nullptr : task->next; }
  };
  using Lists = std::array<List, kPriorityCount>;

  static size_t LevelOf(const LiveTask* task) { return static_cast<size_t>(task->priority); }
  static uint32_t BitOf(const LiveTask* task) { return uint32_t{1} << LevelOf(task); }

  // Whether it is the first.
  static bool Append(List* list, LiveTask* task) {
    LiveTask* const last = list->tail;
    list->tail = task;
    if (list->head == nullptr) {
      list->head = task;
      return true;
    }
    task->previous = last;
    last->next = task;
    return false;
  }

  // Null: at the end.
  static void InsertBefore(LiveTask* next, List* list, LiveTask* task);

  LiveTask* TakeHead(uint32_t level) {
    List& list = ready_[level];
    LiveTask* const task = list.head;
    if (task == list.tail) {
      list.head = nullptr;
      occupied_ &= ~(uint32_t{1} << level);
    } else {
      LiveTask* const next = task->next;
      list.head = next;
      // While this task runs.
      __builtin_prefetch(next);
      if (next->runner != nullptr) next->runner->fiber->Prefetch();
    }
    return task;
  }

  static void Unlink(List* list, LiveTask* task);

  LiveTask* HeadOf(size_t level, bool stack_spare) const {
    return stack_spare && set_aside_[level].head != nullptr ? set_aside_[level].head
                                                            : ready_[level].head;
  }

  // The level below `best` whose head has aged and is the oldest; `best` if there is none.
  size_t AgedLevel(size_t best, uint32_t levels, sys::Ticks now, bool stack_spare);

  std::atomic<sys::Ticks> age_limit_;
  uint32_t occupied_ = 0;  // Bit per level: something in ready_.
  uint32_t aside_ = 0;     // Bit per level: something in set_aside_.
  uint64_t given_ = 0;
  uint64_t given_at_aged_ = 0;  // given() when the last was given for its age.
  size_t held_count_ = 0;
  Lists ready_;
  Lists set_aside_;
  Lists held_;
};

}  // namespace weft
