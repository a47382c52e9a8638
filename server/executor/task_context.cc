#include "executor/task_context.h"

#include "task/limits.h"
#include "task/utf8.h"

namespace weft {
namespace {

constexpr TaskId kAnyId{1};
constinit const CancelWord kNobodyAsks;
constinit const CancelWord kClientAsks(kAnyId, CancelReason::kClient);

}  // namespace

void TaskContext::StopListening() {
  ListenTo(cancel_reason() == CancelReason::kNone ? kNobodyAsks : kClientAsks, kAnyId);
}

TaskOutcome TaskContext::Fail(TaskErrorCode code, std::string_view message) {
  error_code_ = code;
  marks_ |= kError;
  AssignUtf8(message, kMaxErrorMessageBytes, &ErrorMessage());
  return TaskOutcome::kFailed;
}

void TaskContext::TakeOver(const TaskContext& other) {
  ListenAs(other);
  marks_ |= other.marks_;
  if (other.has_output()) output_ = other.output_;
  if (other.is_alias()) {
    alias_ = other.alias_;
    alias_bytes_ = other.alias_bytes_;
  }
  if (other.error_code() != TaskErrorCode::kNone) error_code_ = other.error_code_;
}

}  // namespace weft
