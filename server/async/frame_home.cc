#include "async/frame_home.h"

#include <new>

namespace weft {
namespace {

constexpr std::align_val_t kSlotAlignment{alignof(std::max_align_t)};

}  // namespace

FrameHome::FrameHome(TaskHost& host, size_t slots)
    : host_(&host), slots_(slots), slab_(new std::byte[slots * kSlabFrameBytes]) {
  static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= alignof(std::max_align_t));
  for (size_t slot = slots; slot-- > 0;) GiveBack(slab_.get() + slot * kSlabFrameBytes);
}

FrameHome::~FrameHome() = default;

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
  outstanding_.fetch_sub(1, std::memory_order_relaxed);
  if (!frame.is_slab()) {
    heap_.fetch_sub(1, std::memory_order_relaxed);
    const TaskFrame::Operations& operations = frame.operations();
    frame.~TaskFrame();
    ::operator delete (&frame, operations.bytes, std::align_val_t{operations.alignment});
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

void FrameHome::Close(const ShutdownStats& found) {
  const std::lock_guard lock(gate_);
  host_.store(nullptr, std::memory_order_relaxed);
  found_ = found;
  found_.unbalanced_shutdowns += outstanding() - live();
  found_.leaked_heap_tasks += heap_.load(std::memory_order_relaxed);
}

ShutdownStats FrameHome::shutdown_stats() const {
  const std::lock_guard lock(const_cast<std::mutex&>(gate_));
  return found_;
}

}  // namespace weft
