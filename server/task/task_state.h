#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

// Where a task stands. It ends in exactly one of the last four.
enum class TaskState : uint8_t {
  kQueued = 0,
  kRunning,
  kSuspended,
  kSucceeded,
  kFailed,
  kCancelled,
  kExpired,
};

inline constexpr size_t kTaskStateCount = 7;

// Why a task did not succeed; kNone for one that did or has not ended.
enum class TaskErrorCode : uint8_t {
  kNone = 0,
  kHandlerFailed,
  kHandlerException,
  kInvalidPayload,
  kOutputTooLarge,
  kDeadlineExceeded,
  kCancelledByClient,
  kClientDisconnected,
  kShuttingDown,
  kNoThread,
  kNotSupported,
};

constexpr bool IsTerminal(TaskState state) { return state >= TaskState::kSucceeded; }

// The one table of legal transitions: queued may start or end as cancelled or expired; running may
// suspend or end in any way; suspended only resumes. A terminal state never changes.
bool MayFollow(TaskState from, TaskState to);

// "queued", "running", ...: the words used in metrics, logs and the CLI.
std::string_view TaskStateName(TaskState state);

}  // namespace weft
