#pragma once

#include <cstdint>
#include <string_view>

#include "core/time_share.h"
#include "executor/task_entry.h"
#include "sys/clock.h"
#include "task/cancel_reason.h"
#include "task/priority.h"
#include "task/task_id.h"
#include "task/task_state.h"

namespace weft {

inline constexpr sys::Ticks kNoDeadline = INT64_MAX;

// A slot keeps an output buffer of up to so many bytes for its next task; larger ones are freed by
// the Door as soon as the result was delivered.
inline constexpr size_t kKeptOutputBytes = 1024;

enum class MessageKind : uint8_t {
  kSubmit,
  kCancel,
  kRelease,   // The handler `entry` is no longer paused: what was held for it is ready again.
  kReturned,  // From a thread of the blocking pool: it has run the slot's task.
  kRest,      // No task comes unless it names the core: it sleeps whenever it has nothing to do.
  kServe,     // Takes that back.
  kSpawn,     // From another core: a task that nobody is told about, in a slot the core chooses.
};

// What the Door, another core or a thread of the pool posts to a core's inbox: 56 bytes, so that
// with the inbox's sequence number it fills one cache line.
struct Message {
  TaskId id;
  const TaskEntry* entry = nullptr;  // kSubmit, kRelease: alive as long as the core.
  const char* payload = nullptr;     // kSubmit: the Door keeps it until it has drained the end.
  sys::Ticks deadline = kNoDeadline;
  sys::Ticks submitted = 0;
  uint32_t payload_bytes = 0;
  uint32_t slot = 0;  // Claimed by the Door: the task's place on both sides, below door_slots().
  MessageKind kind = MessageKind::kSubmit;
  Priority priority = Priority::kNormal;
  Priority io_priority = Priority::kNormal;
};
static_assert(sizeof(Message) == 56, "an inbox slot is one cache line");

enum class CompletionKind : uint8_t {
  kEnded,        // The task reached a terminal state.
  kCancelTaken,  // Answers a kCancel message; if the task was queued, its kEnded came first.
};

// How far a task got.
enum class TaskStart : uint8_t {
  kNone,    // It never left the queue.
  kInVain,  // It did, but its handler never began: the blocking pool had no thread for it, or it
            // was asked to stop before one came.
  kBegan,
};

// How it ran, if it did.
struct TaskRun {
  TaskStart start = TaskStart::kNone;
  TimeShare off_core;  // See Completion.
};

// What a core puts into its outbox: 56 bytes, so that with the outbox's sequence number it fills
// one cache line. The views point into the task's slot (or its payload) and hold until the Door
// uses that slot again.
struct Completion {
  TaskId id;
  uint32_t slot = 0;
  CompletionKind kind = CompletionKind::kEnded;
  TaskState state = TaskState::kSucceeded;  // kCancelTaken: the state the cancel found.
  TaskErrorCode error_code = TaskErrorCode::kNone;
  CancelOutcome cancel_outcome = CancelOutcome::kAlreadyEnded;
  sys::Ticks started = 0;    // Only when it has begun, and not when timing is off.
  sys::Ticks completed = 0;  // 0 when timing is off.
  sys::Ticks suspended = 0;  // A duration.
  const char* text = nullptr;
  uint32_t text_bytes = 0;
  TaskStart start = TaskStart::kNone;
  bool has_large_output = false;  // The slot's buffer is beyond kKeptOutputBytes.
  TimeShare off_core;  // Of its execution: at most so much it had no CPU. Only if it ran for long.

  bool was_started() const { return start != TaskStart::kNone; }
  bool has_begun() const { return start == TaskStart::kBegan; }
  // An end that has no more to tell than PlainResult.
  bool is_plain() const {
    return kind == CompletionKind::kEnded && state == TaskState::kSucceeded && has_begun() &&
           error_code == TaskErrorCode::kNone && !has_large_output && suspended == 0 &&
           off_core.is_none();
  }
  // A task has one or the other.
  std::string_view output() const {
    return error_code == TaskErrorCode::kNone ? std::string_view(text, text_bytes)
                                              : std::string_view();
  }
  std::string_view error_message() const {
    return error_code == TaskErrorCode::kNone ? std::string_view()
                                              : std::string_view(text, text_bytes);
  }
};
static_assert(sizeof(Completion) == 56, "an outbox slot is one cache line");

}  // namespace weft
