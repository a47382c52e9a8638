#include "executor/task_context.h"

#include "task/limits.h"
#include "task/utf8.h"

namespace weft {

TaskOutcome TaskContext::Fail(TaskErrorCode code, std::string_view message) {
  error_code_ = code;
  marks_ |= kError;
  AssignUtf8(message, kMaxErrorMessageBytes, &ErrorMessage());
  return TaskOutcome::kFailed;
}

}  // namespace weft
