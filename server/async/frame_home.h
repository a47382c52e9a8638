#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "async/frame.h"
#include "executor/mail.h"
#include "executor/task_host.h"
#include "sys/finished_list.h"

namespace weft {

// What a host found when it ended; all zero after a clean end. Any thread; relaxed, they are told
// after the end.
struct ShutdownStats {
  uint64_t aborted_unwinds = 0;    // Tasks whose stacks went before their own code had left them.
  uint64_t leaked_heap_tasks = 0;  // Frames on the heap that those tasks leave behind.
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
  void CountSpawn(bool is_heap) {
    live_.fetch_add(1, std::memory_order_relaxed);
    outstanding_.fetch_add(1, std::memory_order_relaxed);
    if (is_heap) heap_.fetch_add(1, std::memory_order_relaxed);
  }
  void CountEnd() { live_.fetch_sub(1, std::memory_order_relaxed); }
  // Any thread. Nobody refers to it any more.
  void Free(TaskFrame& frame);

  // Any thread. Tasks spawned and not ended; frames that are not freed; slots of the slab.
  uint64_t live() const { return live_.load(std::memory_order_relaxed); }
  uint64_t outstanding() const { return outstanding_.load(std::memory_order_relaxed); }
  size_t slots() const { return slots_; }
  // Any thread.
  bool IsHere() const { return TaskHost::Here() == host_.load(std::memory_order_relaxed); }
  // Any thread. False: the host has closed.
  bool Deliver(Mail& mail);

  // The host, when its thread runs no task any more; it delivers nothing from here on. Counts what
  // is left; `found` has what the host itself saw.
  void Close(const ShutdownStats& found);
  // Any thread. As of Close.
  ShutdownStats shutdown_stats() const;

 private:
  struct FreeSlot {
    FreeSlot* next;
  };

  void CollectFreed();

  std::atomic<TaskHost*> host_;
  std::mutex gate_;  // Held by who delivers from elsewhere, and to close.
  const size_t slots_;
  std::unique_ptr<std::byte[]> slab_;
  FreeSlot* free_ = nullptr;            // Host's thread only.
  sys::FinishedList<TaskFrame> freed_;  // Slots freed elsewhere.
  std::atomic<uint64_t> live_{0};
  std::atomic<uint64_t> outstanding_{0};
  std::atomic<uint64_t> heap_{0};  // Of outstanding, those on the heap.
  ShutdownStats found_;            // Guarded by gate_.
};

// A host's own hold on its frames; closes them when the host goes.
class OwnFrames {
 public:
  void Make(TaskHost& host, size_t slots) { home_ = std::make_shared<FrameHome>(host, slots); }
  FrameHome* get() const { return home_.get(); }
  void Close(const ShutdownStats& found) {
    if (home_ != nullptr) home_->Close(found);
  }

 private:
  std::shared_ptr<FrameHome> home_;
};

}  // namespace weft
