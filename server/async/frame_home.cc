#include "async/frame_home.h"

#include <algorithm>
#include <new>

#include "sys/sanitizers.h"

namespace weft {

FrameHome::FrameHome(TaskHost& host, size_t slots)
    : host_(&host), slots_(slots), slab_(new std::byte[slots * kSlabFrameBytes]) {
  static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= alignof(std::max_align_t));
  for (size_t slot = slots; slot-- > 0;) GiveBack(slab_.get() + slot * kSlabFrameBytes);
}

// What was freed elsewhere after the host had gone.
FrameHome::~FrameHome() { CollectFreed(); }

void* FrameHome::TakeSlot() {
  if (free_ == nullptr) CollectFreed();
  FreeSlot* const slot = free_;
  if (slot != nullptr) free_ = slot->next;
  return slot;
}

void FrameHome::GiveBack(void* slot) { free_ = new (slot) FreeSlot{free_}; }

// In one go, when the own ones have run out.
void FrameHome::CollectFreed() {
  TaskFrame* frame = freed_.TakeAll();
  while (frame != nullptr) {
    TaskFrame* const next = frame->next;
    frame->~TaskFrame();
    GiveBack(frame);
    frame = next;
  }
}

void FrameHome::Free(TaskFrame& frame) {
  freed_count_.fetch_add(1, std::memory_order_release);
  if (!frame.is_slab()) {
    const std::align_val_t alignment{frame.operations().alignment};
    frame.~TaskFrame();
    ::operator delete(&frame, alignment);
  } else if (IsHere()) {
    frame.~TaskFrame();
    GiveBack(&frame);
  } else {
    freed_.Push(&frame);
  }
}

bool FrameHome::Deliver(Mail& mail) {
  const std::lock_guard lock(gate_);
  TaskHost* const host = host_.load(std::memory_order_relaxed);
  if (host == nullptr) return false;
  host->Deliver(mail);
  return true;
}

void FrameHome::Close() {
  const std::lock_guard lock(gate_);
  host_.store(nullptr, std::memory_order_relaxed);
}

void FrameHome::Tell(const ShutdownStats& found) {
  const uint64_t live_now = live();
  const uint64_t all = outstanding();
  const std::lock_guard lock(gate_);
  found_ = found;
  found_.leaked_heap_tasks = left_on_heap_;
  found_.unbalanced_shutdowns = all - std::min(all, live_now);
}

ShutdownStats FrameHome::shutdown_stats() const {
  const std::lock_guard lock(gate_);
  return found_;
}

void FrameHome::LeaveFrame(bool is_heap) {
  const std::lock_guard lock(gate_);
  left_on_heap_ += is_heap ? 1 : 0;
  if (self_ != nullptr) return;
  self_ = shared_from_this();
  sys::ExpectLeak(this);
}

}  // namespace weft
