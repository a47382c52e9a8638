#pragma once

#include <optional>
#include <utility>

#include "async/frame_home.h"
#include "executor/task_host.h"

namespace weft {

// A slot of the slab that is held ahead of a spawn, which then cannot fail for want of one. Host's
// thread only.
class [[nodiscard]] SlotClaim {
 public:
  SlotClaim(SlotClaim&& other) noexcept
      : home_(other.home_), slot_(std::exchange(other.slot_, nullptr)) {}
  SlotClaim& operator=(SlotClaim&&) = delete;
  ~SlotClaim() {
    if (slot_ != nullptr) home_->GiveBack(slot_);
  }
  void* Take() { return std::exchange(slot_, nullptr); }
  // Whether it is a slot of that host.
  bool IsOf(TaskHost& host) const { return home_ == host.frames(); }

 private:
  friend std::optional<SlotClaim> TryClaimSlot(TaskHost& host);
  SlotClaim(FrameHome& home, void* slot) : home_(&home), slot_(slot) {}

  FrameHome* home_;
  void* slot_;
};

// None: all are taken, or the caller is not on the host's thread.
std::optional<SlotClaim> TryClaimSlot(TaskHost& host);

}  // namespace weft
