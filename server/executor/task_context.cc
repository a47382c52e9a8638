#include "executor/task_context.h"

#include "task/limits.h"

namespace weft {

TaskOutcome TaskContext::Fail(TaskErrorCode code, std::string_view message) {
  error_code_ = code;
  error_message_->assign(message.substr(0, kMaxErrorMessageBytes));
  return TaskOutcome::kFailed;
}

}  // namespace weft
