#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "executor/task_context.h"

namespace weft {

// What the Door steers of a handler while it is used. Written by the Door, read by any thread;
// relaxed, pairs with nothing. Copied with its entry, on the Door or before Start.
class SteeringFlag {
 public:
  SteeringFlag() = default;
  SteeringFlag(const SteeringFlag& other) : is_set_(other.is_set()) {}
  SteeringFlag& operator=(const SteeringFlag& other) {
    Set(other.is_set());
    return *this;
  }

  bool is_set() const { return is_set_.load(std::memory_order_relaxed); }
  void Set(bool is_set) { is_set_.store(is_set, std::memory_order_relaxed); }

 private:
  std::atomic<bool> is_set_{false};
};

// How an executor reaches the code of a handler. One per registered handler; alive as long as the
// daemon and, but for the flags, immutable. On a line of its own: a neighbour that somebody writes
// would cost each start a fetch from the other CPU.
struct alignas(64) TaskEntry {
  TaskOutcome (*run)(void* state, TaskContext& context) = nullptr;
  void* state = nullptr;
  uint16_t index = 0;           // Dense, below kMaxHandlers: which row of the statistics.
  bool never_suspends = false;  // Runs as a plain call, on no stack of its own.
  mutable SteeringFlag paused;  // Tasks that have not started are held back.
  bool blocking = false;        // May block its thread, and so never runs on a core.
  mutable SteeringFlag pooled;  // Tasks go to the blocking pool: it is blocking, or was demoted.
  std::string_view name;        // What a spec calls it.
};

}  // namespace weft
