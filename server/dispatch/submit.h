#pragma once

#include <cstdint>
#include <string_view>

#include "dispatch/receiver.h"
#include "sys/clock.h"
#include "task/task_id.h"

namespace weft {

// Who receives the result, and whether it is kept afterwards.
struct SubmitOptions {
  ResultReceiver* receiver = nullptr;  // Null: nobody waits (SubmitTask).
  bool retain = false;                 // Keep the result for Get and Wait.
  sys::Ticks at = 0;                   // When it came; 0: now. Not to come.
};

// What each of several tasks that are alike has of its own.
struct AlikeTask {
  std::string_view payload;
  uint64_t client_tag = 0;
  ResultReceiver* receiver = nullptr;  // As in SubmitOptions.
  TaskId id;                           // Once it is admitted.
};

// A task on its way to a core, within one Submit or SubmitAlike. Small, so that it stays in
// registers.
struct Arrival {
  sys::Ticks at = 0;     // When it came: its time of submission.
  uint32_t core = 0;     // Where it goes, by index; beyond the last one: the pool.
  uint16_t handler = 0;  // TaskEntry::index.
};
static_assert(sizeof(Arrival) == 16);

// What the caller learns of a task that was admitted.
struct Accepted {
  TaskId id;
  int64_t submitted_at_ns = 0;
  uint32_t cpu = 0;
};

}  // namespace weft
