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

}  // namespace weft
