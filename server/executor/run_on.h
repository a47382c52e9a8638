#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>

#include "executor/body_outcome.h"
#include "executor/executor.h"
#include "executor/executor_failure.h"

namespace weft {

// co_await RunOn(executor, function), in whatever coroutine: runs the function as one task of the
// executor. Answers what the function returns, or throws what it throws, or ExecutorFailure with
// why the task was refused or dropped. The coroutine goes on where the executor tells ends, unless
// it is a CoroutineTask, which goes on where it is polled. It must not be destroyed while it waits:
// the task is a part of it.
template <class Function>
class [[nodiscard]] RunOn final : private TaskBody {
 public:
  using Result = std::invoke_result_t<Function&>;

  // executor outlives the wait.
  RunOn(Executor& executor, Function function)
      : TaskBody{.poll = &Poll, .ended = &Ended},
        executor_(executor),
        function_(std::move(function)) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    // Accepted, this may be gone already.
    const ExecutorError error = executor_.Spawn(*this);
    if (error == ExecutorError::kNone) return true;
    end_ = error;
    return false;
  }
  Result await_resume() {
    if (outcome_.is_empty()) throw ExecutorFailure(end_);
    return outcome_.Get();
  }

 private:
  static BodyStep Poll(TaskBody& self, const BodyContext& context) {
    auto& body = static_cast<RunOn&>(self);
    // What has not begun does not begin with a shutdown.
    if (context.should_stop) return BodyStep::Again();
    body.outcome_.Take(body.function_);
    return body.outcome_.has_failed() ? BodyStep::Panicked() : BodyStep::Done();
  }
  static void Ended(TaskBody& self, ExecutorError end) {
    auto& body = static_cast<RunOn&>(self);
    body.end_ = end;
    body.awaiting_.resume();
  }

  Executor& executor_;
  Function function_;
  std::coroutine_handle<> awaiting_;
  BodyOutcome<Result> outcome_;
  ExecutorError end_ = ExecutorError::kNone;
};

}  // namespace weft
