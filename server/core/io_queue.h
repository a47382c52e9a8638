#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "core/stats.h"
#include "sys/io_levels.h"
#include "sys/ring.h"
#include "task/priority.h"

namespace weft {

// The operations of one core: those under way in its ring, and those that wait because the ring has
// no free entry. Owned by its core; core thread only. Never full: each operation belongs to a
// suspended task, of which there are as many as stacks.
//
// What may last for ever (sys::TakesNoEntry) never waits for an entry: idle connections would hold
// up the files, and a task that waits for a peer the one that is that peer.
//
// Those that wait go by level, see sys::IoLevels.
class IoQueue {
 public:
  explicit IoQueue(CoreStats& stats) : stats_(stats) {}

  // Before Start only. Null: there is none, and every operation fails with ENOSYS.
  void UseRing(std::unique_ptr<sys::Ring> ring) { ring_ = std::move(ring); }
  // First call of the core's thread, before any operation.
  void Attach(sys::RingWaker waker) {
    if (ring_ != nullptr) ring_->Attach(waker);
  }
  bool has_ring() const { return ring_ != nullptr; }

  // Whether anything is under way or waits: nothing else here needs a look then. The one cost of
  // I/O to turns without any.
  bool busy() const { return busy_ != 0; }

  // Takes the operation over until Take gives it back. Needs a ring.
  void Start(sys::IoOperation* operation, Priority priority);
  // Cuts it short. Once an operation; it still comes out of Take.
  void Cancel(sys::IoOperation* operation);
  // A finished operation or null.
  sys::IoOperation* Take();
  // Whether Take might give one. A few loads.
  bool HasCompletions() const { return busy_ != 0 && (!ended_.empty() || ring_->HasCompletions()); }
  // What was started and cancelled goes to the system.
  void Submit();
  // Tells in the statistics how much is under way; Submit does so, too.
  void Publish();

  // Whether the core must sleep in Wait now; see sys::Ring.
  bool must_wait() const { return busy_ != 0 && ring_->has_wait(); }
  void Wait(int64_t timeout_ns) { ring_->Wait(timeout_ns); }
  // Any thread, after a sleep that began with must_wait().
  void Wake() { ring_->Wake(); }

  // Last call of the core's thread: ends all that is under way, giving nothing back. A second call
  // does nothing. The ring stays, since whoever stops the core may be about to wake it.
  void Shutdown() {
    if (ring_ != nullptr && !std::exchange(is_shut_down_, true)) ring_->Shutdown();
  }

 private:
  void Begin(sys::IoOperation* operation);
  void BeginNext();
  void CountEnd(const sys::IoOperation& operation);

  CoreStats& stats_;
  std::unique_ptr<sys::Ring> ring_;
  bool is_shut_down_ = false;
  uint32_t busy_ = 0;       // Started and not given back.
  uint32_t under_way_ = 0;  // The part of busy_ that has an entry of the ring.
  uint32_t awaited_ = 0;    // The part of busy_ that the ring has without one.
  sys::IoLevels waiting_;
  sys::IoList ended_;  // Cancelled while they waited.
};

}  // namespace weft
