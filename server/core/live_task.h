#pragma once

#include <atomic>
#include <cstdint>

#include "core/message.h"
#include "executor/task_context.h"
#include "executor/task_entry.h"
#include "sys/clock.h"
#include "task/priority.h"
#include "task/task_id.h"
#include "task/task_state.h"

namespace weft {

struct Runner;

// Which list of its core a task is linked in. Says nothing of a free slot.
enum class TaskPlace : uint8_t {
  kNowhere,    // Suspended without being linked.
  kReady,      // ReadyQueue, fresh or resumed; and from then on while it runs.
  kStackWait,  // ReadyQueue, fresh, waits for a spare stack.
  kHeld,       // ReadyQueue, fresh, its handler is paused.
  kInIo,       // Suspended until its runner's file operation is done.
  kOnThread,   // Run by a thread of the blocking pool; its runner waits.
};

// A task while it lives on its core: one fixed slot, two cache lines, what a start touches first.
// Core thread only, but for the atomics: the Door reads state and started.
struct alignas(128) LiveTask {
  // Line 1: linking and starting.
  LiveTask* next = nullptr;      // Of the list it is linked in; nothing at its end,
  LiveTask* previous = nullptr;  // at its begin.
  const TaskEntry* entry = nullptr;
  const char* payload = nullptr;
  sys::Ticks deadline = kNoDeadline;
  sys::Ticks submitted = 0;
  sys::Ticks ready_since = 0;  // For the age share.
  uint32_t payload_bytes = 0;
  uint32_t slot = 0;  // Constant: the place of this object.

  // Line 2: running, suspending, timers.
  std::atomic<TaskState> state{TaskState::kSucceeded};  // Terminal while the slot is free.
  Priority priority = Priority::kNormal;
  Priority io_priority = Priority::kNormal;
  TaskPlace place = TaskPlace::kNowhere;
  WakeReason wake = WakeReason::kElapsed;
  bool timer_armed = false;
  uint8_t timer_level = 0;
  uint8_t timer_index = 0;
  Runner* runner = nullptr;  // Its stack, from the start of a suspendable task to its end.
  sys::Ticks suspended = 0;  // So far. Nothing before it has a runner.
  sys::Ticks suspended_at = 0;
  std::atomic<sys::Ticks> started{0};  // Relaxed. Nothing while it is queued.
  uint32_t timer_previous = 0;         // Slots; kNoSlot ends the list.
  uint32_t timer_next = 0;
  sys::Ticks timer_due = 0;
  TaskId id;

  // Whether it is a plain call, on whatever stack.
  bool needs_no_stack() const { return runner == nullptr && entry->never_suspends; }
  std::string_view payload_view() const { return {payload, payload_bytes}; }
};
static_assert(sizeof(LiveTask) == 128, "a hot task is two cache lines");

inline constexpr uint32_t kNoSlot = UINT32_MAX;

}  // namespace weft
