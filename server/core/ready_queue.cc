#include "core/ready_queue.h"

#include <algorithm>

namespace weft {

LiveTask* ReadyQueue::Pop(sys::Ticks now, bool stack_spare) {
  const uint32_t levels = occupied_ | (stack_spare ? aside_ : 0);
  if (levels == 0) return nullptr;
  size_t level = static_cast<size_t>(std::countr_zero(levels));
  ++since_aged_;
  // One level only, or its turn has not come: the common case costs one comparison.
  if ((levels & (levels - 1)) != 0 && since_aged_ >= kAgedShare) [[unlikely]] {
    level = AgedLevel(level, levels, now, stack_spare);
  }
  LiveTask* const task = HeadOf(level, stack_spare);
  if (task->place == TaskPlace::kReady) [[likely]] {
    UnlinkHead(level, task);
  } else {
    Remove(task);
  }
  return task;
}

void ReadyQueue::Release(const TaskEntry* entry) {
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

void ReadyQueue::Remove(LiveTask* task) {
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

size_t ReadyQueue::CountLinked() const {
  size_t count = 0;
  for (const Level& level : levels_) {
    for (const List* list : {&level.ready, &level.aside, &level.held}) {
      for (const LiveTask* task = list->head; task != nullptr; task = task->next) ++count;
    }
  }
  return count;
}

void ReadyQueue::InsertBefore(LiveTask* next, List* list, LiveTask* task) {
  if (next == nullptr) return Append(list, task);
  task->next = next;
  task->previous = next->previous;
  (next->previous != nullptr ? next->previous->next : list->head) = task;
  next->previous = task;
}

size_t ReadyQueue::AgedLevel(size_t best, uint32_t levels, sys::Ticks now, bool stack_spare) {
  size_t chosen = best;
  // What goes first anyway is not overtaken by what is younger.
  sys::Ticks oldest = std::min(now - age_limit_.load(std::memory_order_relaxed),
                               HeadOf(best, stack_spare)->ready_since);
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

}  // namespace weft
