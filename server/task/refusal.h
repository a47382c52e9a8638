#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

// Why something asked of the daemon gets no result. Each has one gRPC code (wire/status_wire) and
// one label in weft_dispatch_refused_total.
enum class RefusalReason : uint8_t {
  kInvalidField = 0,  // INVALID_ARGUMENT: a field has a value outside its range.
  kUnknownHandler,    // INVALID_ARGUMENT: no handler has that name.
  kPayloadTooLarge,   // INVALID_ARGUMENT: above limits.max_payload_bytes.
  kQueueFull,         // RESOURCE_EXHAUSTED: executor.max_queue_depth, of one core and level.
  kSlotsFull,  // RESOURCE_EXHAUSTED: every task slot of the core holds a task not yet answered.
  kPayloadBytesFull,   // RESOURCE_EXHAUSTED: limits.max_in_flight_bytes.
  kWaitersFull,        // RESOURCE_EXHAUSTED: limits.max_waiters.
  kDraining,           // UNAVAILABLE.
  kTaskNotFound,       // NOT_FOUND: never was, or is forgotten.
  kCallsFull,          // RESOURCE_EXHAUSTED: limits.max_calls, max_streams or max_watchers.
  kHandlerPaused,      // UNAVAILABLE: until ResumeHandler.
  kHandlerNotFound,    // NOT_FOUND: of a call about a handler; of a task it is kUnknownHandler.
  kNoConfigFile,       // FAILED_PRECONDITION: of ReloadConfig, as there is nothing to read again.
  kWouldMissDeadline,  // RESOURCE_EXHAUSTED: by executor.deadline_policy.
};

inline constexpr size_t kRefusalReasonCount = 14;

// "QUEUE_FULL" and so on: google.rpc.ErrorInfo.reason; in lower case the metrics label.
std::string_view RefusalReasonName(RefusalReason reason);

// A start that was expected to come too late, both counted from the request.
struct LateStart {
  int64_t predicted_start_ns = 0;
  int64_t deadline_ns = 0;
};

// One refusal with all that the caller is told. Refusing is off the hot path only as long as it is
// rare, so it may allocate.
struct Refusal {
  RefusalReason reason = RefusalReason::kInvalidField;
  std::string message;         // One sentence: what, its value, what is right.
  std::string field;           // Path in the request message, "spec.timeout_ns"; empty if none.
  std::string bound;           // Name of the bound that is reached, "executor.max_queue_depth".
  int64_t retry_after_ns = 0;  // When trying again can help; 0: no hint.
  // The CPU that was named and has no core; of a task's id the index of a core that is not there.
  std::optional<uint32_t> absent_core;
  std::optional<LateStart> late_start;  // Of kWouldMissDeadline.
};

}  // namespace weft
