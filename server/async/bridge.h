#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "async/outcome.h"
#include "async/spawn.h"
#include "async/wait_result.h"
#include "executor/body_outcome.h"
#include "executor/coroutine_body.h"
#include "executor/coroutine_task.h"
#include "executor/executor.h"
#include "executor/function_body.h"
#include "executor/future_bridge.h"
#include "executor/task_context.h"
#include "executor/task_host.h"
#include "task/priority.h"

// Between tasks, each of which has a stack, and what has none: bodies of the seam
// (executor/executor.h), coroutines and other awaitables, std::future. The task that waits is
// suspended, never its host's thread; one of the blocking pool waits with its own. until_ns: on the
// clock of TaskContext::NowNs.
namespace weft {

namespace bridge_internal {

// How a body ended, and of kNotRunning why.
struct BodyEnd {
  ExecutorError error = ExecutorError::kNone;
  WaitResult reason = WaitResult::kDone;
};
BodyEnd RunUntil(TaskContext& context, TaskBody& body, int64_t until_ns);

// OK: there is a value, or what was thrown.
absl::Status StatusOf(BodyEnd end);

// While an exception is handled: what it says.
std::string ThrownText();
absl::Status ThrownStatus();

// What get() answers, or throws.
template <class T, class Get>
OutcomeOf<T> OutcomeFrom(Get get) {
  try {
    if constexpr (std::is_void_v<T>) {
      get();
      return absl::OkStatus();
    } else {
      return get();
    }
  } catch (...) {
    return ThrownStatus();
  }
}

// A callable whose value, or what it throws, a promise is given once the callable is gone.
template <class F>
class PromiseCall {
 public:
  using Value = spawn_internal::ValueOf<F>;
  static_assert(!std::is_reference_v<Value>, "a task returns a value, not a reference");

  explicit PromiseCall(F callable) : callable_(std::move(callable)) {}

  std::future<Value> future() { return promise_.get_future(); }
  void operator()(TaskContext& context) {
    std::optional<std::string> error;
    BodyOutcome<Value> outcome;
    outcome.Take([&]() -> Value {
      try {
        return spawn_internal::CallOf(*callable_, context);
      } catch (...) {
        error = ThrownText();
        throw;
      }
    });
    callable_.reset();
    outcome.GiveTo(promise_, ExecutorError::kNone);
    // Its host is to count it as failed. What was thrown is another thread's by now.
    if (error.has_value()) throw std::runtime_error(*error);
  }

 private:
  std::promise<Value> promise_;
  std::optional<F> callable_;  // Goes before the promise.
};

}  // namespace bridge_internal

// Polls a body to its end as a part of the calling task, then calls its `ended`, and answers the
// same. The body's clock is NowNs. Asked to stop, by a cancel, the deadline or until_ns, the task
// polls it once more, told so: what is not done then has ended by kNotRunning. kTaskPanicked: it
// threw, or told so. kNotSupported, and nothing is called: the host spawns no tasks.
//
// Its waker may be used on any thread as long as the host lives, also when the body and the task
// have ended; it then reaches nobody.
ExecutorError RunBody(TaskContext& context, TaskBody& body, int64_t until_ns = kNoEnd);

// Runs a coroutine to its end as a part of the calling task: its value, or its own Status or
// StatusOr. Internal: it threw. Cancelled, DeadlineExceeded: as the context says, or the time
// passed; the coroutine was polled once more, told to stop, and is gone. Unimplemented: the host
// spawns no tasks.
template <class T>
OutcomeOf<T> Await(TaskContext& context, CoroutineTask<T> task, int64_t until_ns = kNoEnd) {
  CoroutineBody<T> body(std::move(task));
  const bridge_internal::BodyEnd end = bridge_internal::RunUntil(context, body, until_ns);
  if (absl::Status status = bridge_internal::StatusOf(end); !status.ok()) return status;
  return bridge_internal::OutcomeFrom<T>([&body]() -> T { return body.Result(); });
}

// The same for any awaitable, which may resume whoever awaits it on any thread, or never; one that
// answers when nobody waits any more reaches nobody (executor/foreign_wait.h).
template <class Awaitable>
OutcomeOf<AwaitResult<Awaitable>> Await(TaskContext& context, Awaitable awaitable,
                                        int64_t until_ns = kNoEnd) {
  return Await(context, TaskOf(std::move(awaitable)), until_ns);
}

// Waits for a future and takes its value; it is looked at every kFutureLookNs, for it tells nobody.
// Internal: what its promise was given was thrown, also that the promise was broken. Cancelled,
// DeadlineExceeded: as above, and the future is left as it is. FailedPrecondition: it has nothing
// to wait for, or is deferred, so that nobody works at it. Unimplemented: as above.
template <class T>
OutcomeOf<T> AwaitFuture(TaskContext& context, std::future<T>& future, int64_t until_ns = kNoEnd) {
  static_assert(!std::is_reference_v<T>, "it answers a value, not a reference");
  if (!future.valid()) {
    return absl::FailedPreconditionError("the future is empty: its value was taken, or moved");
  }
  if (future.wait_for(std::chrono::seconds(0)) == std::future_status::deferred) {
    return absl::FailedPreconditionError("the future is deferred: nobody works at it");
  }
  FunctionBody looks([&future](const BodyContext& poll) {
    return IsReady(future) ? BodyStep::Done() : BodyStep::At(poll.now_ns + kFutureLookNs);
  });
  const bridge_internal::BodyEnd end = bridge_internal::RunUntil(context, looks, until_ns);
  if (absl::Status status = bridge_internal::StatusOf(end); !status.ok()) return status;
  return bridge_internal::OutcomeFrom<T>([&future]() -> T { return future.get(); });
}

// Spawns a callable as async/spawn.h does, with its refusals; its value, or what it throws, is the
// future's, once the callable and what it owns are gone. A task that its host abandons, having
// stopped or having got no thread for it, is a broken promise (std::future_error). A thread that
// runs tasks must not block on the future: see AwaitFuture.
template <class F>
auto SpawnForFuture(TaskHost& host, F callable, TaskLevels levels = Priority::kNormal)
    -> absl::StatusOr<std::future<spawn_internal::ValueOf<F>>> {
  bridge_internal::PromiseCall<F> call(std::move(callable));
  auto future = call.future();
  if (absl::Status status = SpawnDetached(host, std::move(call), levels); !status.ok()) {
    return status;
  }
  return future;
}

}  // namespace weft
