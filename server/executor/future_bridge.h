#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

#include "executor/body_outcome.h"
#include "executor/executor.h"

// Between tasks and std::future. Nothing here blocks a thread of an executor.
namespace weft {

// How often a task looks whether a future is ready that it waits for: a std::future tells nobody,
// so it is polled. An answer is noticed so late, and a waiting task costs so many polls.
inline constexpr int64_t kFutureLookNs = 100'000;

template <class T>
bool IsReady(const std::future<T>& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

// A body that waits for a future and then calls a function with it, once, as one poll; what `get`
// throws there is what the promise was given, also that it was broken. A future that is deferred is
// never ready. The executor shut down before: the function is not called. Belongs to whoever spawns
// it.
template <class T, class Then>
class FutureBody final : public TaskBody {
 public:
  FutureBody(std::future<T> future, Then then, int64_t look_ns = kFutureLookNs)
      : TaskBody{.poll = &Poll, .ended = &Ended},
        future_(std::move(future)),
        then_(std::move(then)),
        look_ns_(look_ns) {}
  FutureBody(const FutureBody&) = delete;
  FutureBody& operator=(const FutureBody&) = delete;

  // See FunctionBody.
  bool has_ended() const { return has_ended_; }
  ExecutorError end() const { return end_; }

 private:
  static BodyStep Poll(TaskBody& self, const BodyContext& context) {
    auto& body = static_cast<FutureBody&>(self);
    if (!IsReady(body.future_)) return BodyStep::At(context.now_ns + body.look_ns_);
    body.then_(std::move(body.future_));
    return BodyStep::Done();
  }
  static void Ended(TaskBody& self, ExecutorError end) {
    auto& body = static_cast<FutureBody&>(self);
    body.end_ = end;
    body.has_ended_ = true;
  }

  std::future<T> future_;
  Then then_;
  const int64_t look_ns_;
  bool has_ended_ = false;
  ExecutorError end_ = ExecutorError::kNone;
};

// A function as a task whose result is a future's. Owns itself from Spawn until it has ended.
template <class Function>
class PromiseBody final : public TaskBody {
 public:
  using Result = std::invoke_result_t<Function&>;

  explicit PromiseBody(Function function)
      : TaskBody{.poll = &Poll, .ended = &Ended}, function_(std::move(function)) {}

  std::future<Result> future() { return promise_.get_future(); }
  // In the place of `ended`, when it was refused.
  void Refuse(ExecutorError error) { outcome_.GiveTo(promise_, error); }

 private:
  static BodyStep Poll(TaskBody& self, const BodyContext& context) {
    auto& body = static_cast<PromiseBody&>(self);
    // What has not begun does not begin with a shutdown.
    if (context.should_stop) return BodyStep::Again();
    body.outcome_.Take(body.function_);
    return body.outcome_.has_failed() ? BodyStep::Panicked() : BodyStep::Done();
  }
  static void Ended(TaskBody& self, ExecutorError end) {
    const std::unique_ptr<PromiseBody> body(&static_cast<PromiseBody&>(self));
    body->outcome_.GiveTo(body->promise_, end);
  }

  Function function_;
  std::promise<Result> promise_;
  BodyOutcome<Result> outcome_;
};

// Runs a function as one task. The future has its result, what it threw, or an ExecutorFailure:
// with why it was refused, or kNotRunning when it was dropped; it is never a broken promise.
// Allocates. On the thread of Executor::Spawn.
template <class Function>
auto SpawnForFuture(Executor& executor, Function function) {
  auto body = std::make_unique<PromiseBody<Function>>(std::move(function));
  auto future = body->future();
  if (const ExecutorError error = executor.Spawn(*body); error != ExecutorError::kNone) {
    body->Refuse(error);
  } else {
    (void)body.release();  // It owns itself now.
  }
  return future;
}

}  // namespace weft
