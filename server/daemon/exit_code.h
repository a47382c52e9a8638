#pragma once

#include "absl/status/status.h"

namespace weft {

// What weftd's exit tells, after sysexits.h.
inline constexpr int kExitDrained = 0;
inline constexpr int kExitAtOnce = 1;  // A second signal, or work that outlasted every limit.
inline constexpr int kExitUsage = 64;
// An address is in use, or a core, io_uring, a thread or memory is not granted.
inline constexpr int kExitUnavailable = 69;
inline constexpr int kExitInternal = 70;
inline constexpr int kExitConfig = 78;

// For an error that kept the daemon from starting.
inline int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDrained;
    case absl::StatusCode::kInvalidArgument:
      return kExitConfig;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
      return kExitUnavailable;
    default:
      return kExitInternal;
  }
}

}  // namespace weft
