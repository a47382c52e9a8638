#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "core/live_task.h"

namespace weft {

// The slots of the tasks of which a core tells nobody: those its own tasks spawn, and those that
// other threads do. Others claim from outside, by count alone; which slot it is the core decides
// when it takes the message in. What they may claim again is told in batches, once a turn, on a
// line that claimers read only when their copy says that all is taken. Owned by the core.
//
// Nothing is published through the counts: the slots are the core's alone, and it has freed one
// before it counts it, so that a claim only promises that the list will not be empty.
class OwnSlots {
 public:
  // Before Start only.
  void Add(std::span<LiveTask> local, std::span<LiveTask> remote) {
    for (size_t i = local.size(); i-- > 0;) Free(&local[i], false);
    for (size_t i = remote.size(); i-- > 0;) Free(&remote[i], true);
    PublishFreed();
  }

  // Any thread. False: all that others may have are taken.
  bool ClaimRemote() {
    uint64_t claimed = claimed_.load(std::memory_order_relaxed);
    do {
      if (claimed < claimable_copy_.load(std::memory_order_relaxed)) continue;
      const uint64_t claimable = claimable_.load(std::memory_order_relaxed);
      claimable_copy_.store(claimable, std::memory_order_relaxed);
      if (claimed >= claimable) return false;
    } while (!claimed_.compare_exchange_weak(claimed, claimed + 1, std::memory_order_relaxed));
    return true;
  }
  // Any thread. A claim of which nothing came.
  void UnclaimRemote() { claimed_.fetch_sub(1, std::memory_order_relaxed); }

  // Core thread only, as all below. Null: all are taken.
  LiveTask* TakeLocal() { return lists_[0] == nullptr ? nullptr : Pop(&lists_[0]); }
  // The slot of a claim.
  LiveTask* TakeClaimed() { return Pop(&lists_[1]); }
  // Another thread's may be claimed again after the next PublishFreed.
  void Free(LiveTask* task, bool is_remote) {
    Push(task, &lists_[is_remote ? 1 : 0]);
    freed_ += is_remote ? 1 : 0;
  }
  // Once a turn.
  void PublishFreed() {
    if (freed_ == 0) [[likely]]
      return;
    claimable_.store(claimable_.load(std::memory_order_relaxed) + freed_,
                     std::memory_order_relaxed);
    freed_ = 0;
  }

 private:
  static LiveTask* Pop(LiveTask** list) {
    LiveTask* const task = *list;
    *list = task->next;
    return task;
  }
  static void Push(LiveTask* task, LiveTask** list) {
    task->next = *list;
    *list = task;
  }

  LiveTask* lists_[2] = {};  // Local, remote. LIFO: the last one is still in the cache.
  uint32_t freed_ = 0;       // Remote ones, since the last PublishFreed.
  // How many may be claimed since the start, written by the core alone. It only grows, so a copy is
  // at worst too small.
  std::atomic<uint64_t> claimable_{0};
  alignas(64) std::atomic<uint64_t> claimed_{0};
  std::atomic<uint64_t> claimable_copy_{0};
};

}  // namespace weft
