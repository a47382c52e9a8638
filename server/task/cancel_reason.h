#pragma once

#include <cstdint>

namespace weft {

// Why a task is asked to stop. kNone means that nobody asked.
enum class CancelReason : uint8_t {
  kNone = 0,
  kClient,        // CancelTask.
  kDisconnected,  // The caller that waited in RunTask or StreamTasks went away.
  kDeadline,      // The task's timeout passed.
  kShutdown,      // The drain limit passed.
};

// What a cancel did. "Ended" is told by the Door, the others by the task's core.
enum class CancelOutcome : uint8_t { kCancelledQueued, kRequestedRunning, kAlreadyEnded };

}  // namespace weft
