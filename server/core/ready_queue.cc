#include "core/ready_queue.h"

#include <algorithm>
#include <cassert>

namespace weft {

LiveTask* ReadyQueue::Pop(sys::Ticks now, bool stack_spare) {
  const uint32_t levels = occupied_ | (stack_spare ? aside_ : 0);
  if (levels == 0) return nullptr;
  size_t level = static_cast<size_t>(std::countr_zero(levels));
  ++given_;
  // One level only, or its turn has not come: the common case costs one comparison.
  if ((levels & (levels - 1)) != 0 && given_ - given_at_aged_ >= kAgedShare) [[unlikely]] {
    level = AgedLevel(level, levels, now, stack_spare);
  }
  LiveTask* const task = HeadOf(level, stack_spare);
  Remove(task);
  return task;
}

void ReadyQueue::Release(const TaskEntry* entry) {
  for (size_t level = 0; level < kPriorityCount; ++level) {
    List& ready = ready_[level];
    LiveTask* before = ready.head;
    sys::Ticks reached = INT64_MIN;  // Nothing before `before` became ready later.
    for (LiveTask *task = held_[level].head, *next = nullptr; task != nullptr; task = next) {
      next = held_[level].After(task);
      if (task->entry != entry) continue;
      Remove(task);
      // Held later than a younger one: it had been set aside when that was popped.
      if (task->ready_since < reached) before = ready.head;
      reached = task->ready_since;
      while (before != nullptr && before->ready_since <= task->ready_since) {
        before = ready.After(before);
      }
      task->place = TaskPlace::kReady;
      InsertBefore(before, &ready, task);
      occupied_ |= BitOf(task);
    }
  }
}

void ReadyQueue::Remove(LiveTask* task) {
  const size_t level = LevelOf(task);
  if (task->place == TaskPlace::kReady) {
    Unlink(&ready_[level], task);
    if (ready_[level].head == nullptr) occupied_ &= ~BitOf(task);
  } else if (task->place == TaskPlace::kStackWait) {
    Unlink(&set_aside_[level], task);
    if (set_aside_[level].head == nullptr) aside_ &= ~BitOf(task);
  } else {
    assert(task->place == TaskPlace::kHeld);
    Unlink(&held_[level], task);
    --held_count_;
  }
}

size_t ReadyQueue::CountLinked() const {
  size_t count = 0;
  for (const Lists* lists : {&ready_, &set_aside_, &held_}) {
    for (const List& list : *lists) {
      for (const LiveTask* task = list.head; task != nullptr; task = list.After(task)) ++count;
    }
  }
  return count;
}

void ReadyQueue::Unlink(List* list, LiveTask* task) {
  if (task == list->head) {
    list->head = list->After(task);
    return;
  }
  task->previous->next = task->next;
  (task == list->tail ? list->tail : task->next->previous) = task->previous;
}

void ReadyQueue::InsertBefore(LiveTask* next, List* list, LiveTask* task) {
  if (next == nullptr) {
    Append(list, task);
    return;
  }
  task->next = next;
  if (next == list->head) {
    list->head = task;
  } else {
    task->previous = next->previous;
    next->previous->next = task;
  }
  next->previous = task;
}

size_t ReadyQueue::AgedLevel(size_t best, uint32_t levels, sys::Ticks now, bool stack_spare) {
  size_t chosen = best;
  sys::Ticks oldest = now - age_limit_.load(std::memory_order_relaxed);
  // Of two lower levels the one that goes first anyway is not overtaken by what is younger.
  if (best != 0) oldest = std::min(oldest, HeadOf(best, stack_spare)->ready_since);
  for (size_t level = best + 1; level < kPriorityCount; ++level) {
    if ((levels >> level & 1U) == 0) continue;
    const sys::Ticks since = HeadOf(level, stack_spare)->ready_since;
    if (since > oldest) continue;
    oldest = since;
    chosen = level;
  }
  if (chosen != best) given_at_aged_ = given_;
  return chosen;
}

}  // namespace weft
