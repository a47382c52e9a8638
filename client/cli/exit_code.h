#pragma once

#include "absl/status/status.h"
#include "weft/v1/task.pb.h"

// The exit codes of `weft`, documented in its help. 69 and 75 are those of sysexits.h, 124 is that
// of timeout(1).
namespace weft::cli {

enum ExitCode {
  kExitOk = 0,
  kExitTaskFailed = 1,  // The task failed, was cancelled or expired; or anything else went wrong.
  kExitUsage = 2,
  kExitUnavailable = 69,
  kExitTryAgain = 75,
  kExitTimedOut = 124,
};

[[nodiscard]] ExitCode ExitCodeOf(const absl::Status& status);

// kExitTimedOut for a task that has not ended.
[[nodiscard]] ExitCode ExitCodeOf(v1::TaskState state);

}  // namespace weft::cli
