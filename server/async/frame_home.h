#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "async/body_place.h"
#include "async/frame.h"
#include "executor/mail.h"
#include "executor/task_host.h"
#include "sys/finished_list.h"

namespace weft {

// What a host found when it ended; all zero after a clean end. Any thread; relaxed, they are told
// after the end.
struct ShutdownStats {
  uint64_t aborted_unwinds = 0;    // Tasks whose stacks went before their own code had left them.
  uint64_t leaked_heap_tasks = 0;  // Of those, the ones whose frames were on the heap.
  uint64_t unbalanced_shutdowns = 0;  // Handles that outlived the host of their task.
  uint64_t undrained_entries = 0;     // Spawns and mail of other threads that came too late.
};

// Where the frames of one host's tasks are, and what is counted of them. Lives as long as the host
// or a handle does.
class FrameHome : public std::enable_shared_from_this<FrameHome> {
 public:
  // A frame of up to so many bytes fits a slot of the slab.
  static constexpr size_t kSlabFrameBytes = 256;

  // slots: of the slab, allocated here.
  FrameHome(TaskHost& host, size_t slots);
  ~FrameHome();
  FrameHome(const FrameHome&) = delete;
  FrameHome& operator=(const FrameHome&) = delete;

  // Host's thread only. A slot of the slab, of kSlabFrameBytes, or null: all are taken. It is the
  // caller's until a frame that was made in it is freed, or until GiveBack.
  void* TakeSlot();
  void GiveBack(void* slot);
  // Any thread. A frame is about to be spawned, and has ended.
  void CountSpawn() { spawned_.fetch_add(1, std::memory_order_relaxed); }
  // What the task wrote, and spawned, is seen by who sees that it has ended.
  void CountEnd() { ended_.fetch_add(1, std::memory_order_release); }
  // Any thread. Nobody refers to it any more.
  void Free(TaskFrame& frame);

  // Any thread. Tasks spawned and not ended; frames that are not freed; slots of the slab.
  uint64_t live() const {
    const uint64_t ended_before = ended();
    return spawned() - ended_before;
  }
  uint64_t outstanding() const {
    const uint64_t freed_before = freed();
    return spawned() - freed_before;
  }
  // Any thread. In all. Who reads these of several hosts reads what was spawned last: so a task
  // that another host's spawned is not missed.
  uint64_t spawned() const { return spawned_.load(std::memory_order_acquire); }
  uint64_t ended() const { return ended_.load(std::memory_order_acquire); }
  uint64_t freed() const { return freed_count_.load(std::memory_order_acquire); }
  size_t slots() const { return slots_; }
  // Any thread.
  bool IsHere() const {
    const TaskHost* const here = TaskHost::Here();
    return here != nullptr && here == host_.load(std::memory_order_relaxed);
  }
  // Any thread. False: the host has closed.
  bool Deliver(Mail& mail);

  // Any thread. For tasks of the host; kept as long as this is.
  BodyPlaces& body_places() { return body_places_; }

  // The host, when its thread runs no task any more: nothing is delivered from here on. Then it
  // tells what it found itself; what is left is counted here.
  void Close();
  void Tell(const ShutdownStats& found);
  // Any thread. As told; before that, zero.
  ShutdownStats shutdown_stats() const;
  // A frame of it will never be freed: nor will this. On the heap: it is counted.
  void LeaveFrame(bool is_heap);

 private:
  struct FreeSlot {
    FreeSlot* next;
  };

  void CollectFreed();

  std::atomic<TaskHost*> host_;
  mutable std::mutex gate_;  // Held by who delivers from elsewhere, and to close.
  const size_t slots_;
  std::unique_ptr<std::byte[]> slab_;
  FreeSlot* free_ = nullptr;            // Host's thread only.
  sys::FinishedList<TaskFrame> freed_;  // Slots freed elsewhere.
  std::atomic<uint64_t> spawned_{0};
  std::atomic<uint64_t> ended_{0};
  std::atomic<uint64_t> freed_count_{0};
  BodyPlaces body_places_;
  // Guarded by gate_.
  ShutdownStats found_;
  uint64_t left_on_heap_ = 0;
  std::shared_ptr<FrameHome> self_;  // See LeaveFrame.
};

// A host's own hold on its frames; closes them when the host goes.
class OwnFrames {
 public:
  void Make(TaskHost& host, size_t slots) { home_ = std::make_shared<FrameHome>(host, slots); }
  FrameHome* get() const { return home_.get(); }
  void Close() { home_->Close(); }
  void Tell(const ShutdownStats& found) { home_->Tell(found); }

 private:
  std::shared_ptr<FrameHome> home_;
};

}  // namespace weft
