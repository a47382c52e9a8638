#pragma once

#include <cstdint>
#include <string_view>

#include "core/stall_detector.h"

namespace weft {

// A handler that has held its thread for too long, as it was found.
struct Stall {
  uint32_t core = 0;      // Index of the core; beyond the last one: the blocking pool.
  uint32_t thread = 0;    // Of the pool: index of its thread.
  int cpu = 0;            // That core's CPU number; -1 for the pool.
  int thread_id = 0;      // Of the thread, as the system numbers it.
  RunningHandler holder;  // Never without an entry.
  int64_t held_ns = 0;    // So far.
  int64_t threshold_ns = 0;
};

// A core was parked, so that new tasks go to it only if they name it, or takes all kinds again.
struct CoreChange {
  enum class Cause : uint8_t {
    kLoad,     // See ActiveCores.
    kNoRoom,   // No active core had room for a task, or could start it before its deadline.
    kSetting,  // executor.active_min was raised.
  };

  int cpu = 0;
  bool is_active = false;
  Cause cause = Cause::kLoad;
  uint32_t active = 0;  // How many are now.
  uint32_t least = 0;
  uint64_t busy_percent = 0;  // Of the last look, as ActiveCores::Load has them.
  uint64_t queued = 0;
};

// Hears of what the Dispatcher notices and an operator should know, such as handlers that hold a
// core beyond executor.stall_threshold_ms, or a thread of the blocking pool beyond
// blocking.stall_threshold_s; the daemon tells it in its log. Door thread only, which must not
// wait.
class DispatchObserver {
 public:
  virtual ~DispatchObserver() = default;
  // Once a hold, while it lasts.
  virtual void OnStall(const Stall& stall) = 0;
  // From now on new tasks of the handler go to the blocking pool.
  virtual void OnDemoted(const TaskEntry& entry) = 0;
  // A request named a core that is not there, by the number of a CPU or in a task's id, and was
  // refused. field: where it did, such as "spec.core"; holds for the call.
  virtual void OnAbsentCore(uint32_t core, std::string_view field) = 0;
  virtual void OnCoreChange(const CoreChange& change) = 0;
};

}  // namespace weft
