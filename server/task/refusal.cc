#include "task/refusal.h"

#include <array>

namespace weft {

std::string_view RefusalReasonName(RefusalReason reason) {
  static constexpr std::array<std::string_view, kRefusalReasonCount> kNames = {
      "INVALID_FIELD",  "UNKNOWN_HANDLER",    "PAYLOAD_TOO_LARGE", "QUEUE_FULL",
      "SLOTS_FULL",     "PAYLOAD_BYTES_FULL", "WAITERS_FULL",      "DRAINING",
      "TASK_NOT_FOUND", "CALLS_FULL",         "HANDLER_PAUSED",    "HANDLER_NOT_FOUND",
      "NO_CONFIG_FILE", "WOULD_MISS_DEADLINE"};
  return kNames[static_cast<size_t>(reason)];
}

}  // namespace weft
