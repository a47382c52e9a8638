#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "weft/export.h"

// What an error of this library carries beyond code and message. Every error that the daemon
// decided has a reason and came with google.rpc details; an error without a reason came from the
// connection or from this library. Any thread.
namespace weft {

// One field of the request and what is wrong with it.
struct FieldViolation {
  std::string field;
  std::string description;
};

// google.rpc.ErrorInfo.reason of domain "weft", such as "QUEUE_FULL"; empty when the error did not
// come from the daemon. A UNAVAILABLE or RESOURCE_EXHAUSTED with a reason is a refusal: nothing of
// the task was kept.
[[nodiscard]] WEFT_EXPORT std::string ErrorReason(const absl::Status& status);

// google.rpc.RetryInfo.retry_delay in nanoseconds; nothing when the daemon gave none, which means
// that trying again does not help.
[[nodiscard]] WEFT_EXPORT std::optional<int64_t> RetryDelayNs(const absl::Status& status);

// google.rpc.BadRequest.
[[nodiscard]] WEFT_EXPORT std::vector<FieldViolation> FieldViolations(const absl::Status& status);

// Names of the bounds in google.rpc.QuotaFailure.
[[nodiscard]] WEFT_EXPORT std::vector<std::string> ExceededBounds(const absl::Status& status);

// gRPC's spelling of the code, such as "RESOURCE_EXHAUSTED".
[[nodiscard]] WEFT_EXPORT std::string CodeName(const absl::Status& status);

}  // namespace weft
