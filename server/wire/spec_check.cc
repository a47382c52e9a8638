#include "wire/spec_check.h"

#include <string>

namespace weft {
namespace {

static_assert(v1::PRIORITY_HIGH == static_cast<int>(Priority::kHigh) + 1);
static_assert(v1::PRIORITY_LOW == static_cast<int>(Priority::kLow) + 1);

Refusal InvalidField(std::string_view prefix, std::string_view field, const std::string& message) {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.field.append(prefix).append(".").append(field);
  refusal.message = refusal.field + " " + message;
  return refusal;
}

}  // namespace

Refusal SpecRefusal(WirePriorities priorities, std::string_view field_prefix,
                    const TaskSpec& spec) {
  if (spec.handler.empty()) {
    return InvalidField(field_prefix, "handler",
                        "is empty; name one of the handlers that ListHandlers tells");
  }
  if (spec.handler.size() > kMaxHandlerNameBytes) {
    return InvalidField(field_prefix, "handler",
                        "is " + std::to_string(spec.handler.size()) + " bytes long; at most " +
                            std::to_string(kMaxHandlerNameBytes) + " are allowed");
  }
  const bool is_io = WirePriorities{.task = priorities.task}.known();
  return InvalidField(field_prefix, is_io ? "io_priority" : "priority",
                      "is " + std::to_string(is_io ? priorities.io : priorities.task) +
                          "; 0 (unspecified), 1 (high), 2 (normal) or 3 (low) are known");
}

}  // namespace weft
