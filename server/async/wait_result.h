#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "executor/task_context.h"

namespace weft {

// What came of waiting for something that other tasks do.
enum class WaitResult : uint8_t {
  kDone,       // It came; what it brings is the caller's.
  kElapsed,    // The time given passed before. As all below: nothing was taken.
  kCancelled,  // The caller was asked to stop,
  kDeadline,   // or its deadline passed.
  kClosed,     // It will not come any more.
  kElsewhere,  // The caller is no task of the host that this belongs to, or misused it.
};

constexpr std::string_view WaitResultName(WaitResult result) {
  constexpr std::string_view kNames[] = {"done",     "elapsed", "cancelled",
                                         "deadline", "closed",  "elsewhere"};
  return kNames[static_cast<size_t>(result)];
}

// Of a wait that was not woken.
constexpr WaitResult WaitResultOf(WakeReason reason) {
  switch (reason) {
    case WakeReason::kElapsed:
      return WaitResult::kElapsed;
    case WakeReason::kCancelled:
      return WaitResult::kCancelled;
    case WakeReason::kDeadline:
      return WaitResult::kDeadline;
    case WakeReason::kWoken:
      break;
  }
  return WaitResult::kDone;
}

// What came of trying the same without waiting.
enum class TryResult : uint8_t {
  kDone,       // What it brings is the caller's.
  kWouldWait,  // Full, or empty. As all below: nothing was taken.
  kClosed,     // It will not come any more.
  kElsewhere,  // The caller is not on the thread that this belongs to.
};

// Of an attempt after which nobody waits.
constexpr WaitResult WaitResultOf(TryResult result) {
  switch (result) {
    case TryResult::kDone:
      return WaitResult::kDone;
    case TryResult::kWouldWait:
      return WaitResult::kElapsed;
    case TryResult::kClosed:
      return WaitResult::kClosed;
    case TryResult::kElsewhere:
      break;
  }
  return WaitResult::kElsewhere;
}

}  // namespace weft
