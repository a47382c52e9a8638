#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "executor/coroutine_task.h"
#include "executor/future_bridge.h"

namespace weft {

// Polls a coroutine and those it awaits: each poll goes on until one of them waits. Part of a body.
template <class T>
class CoroutineDriver {
 public:
  // A poll goes on at most so often past waits that were over at once; then others go first.
  static constexpr int kResumesMax = 64;

  explicit CoroutineDriver(CoroutineTask<T> task) : task_(std::move(task)) {
    run_.innermost = task_->handle();
    task_->handle().promise().Join(run_, std::noop_coroutine());
  }
  CoroutineDriver(const CoroutineDriver&) = delete;
  CoroutineDriver& operator=(const CoroutineDriver&) = delete;

  BodyStep Poll(const BodyContext& context) {
    run_.context = &context;
    for (int resumes = 0; resumes < kResumesMax; ++resumes) {
      if (run_.wait != nullptr) {
        const BodyStep step = run_.wait->look(*run_.wait, context);
        if (step.kind != BodyStep::Kind::kDone) return step;
        run_.wait = nullptr;
      }
      run_.innermost.resume();
      if (task_->handle().done()) return Finish();
    }
    return BodyStep::Again();
  }

  // The coroutine goes, wherever it stands. Its outcome, empty when it was not done.
  BodyOutcome<T> Drop() {
    task_.reset();
    return std::move(outcome_);
  }

 private:
  BodyStep Finish() {
    outcome_ = std::move(task_->handle().promise().outcome);
    return outcome_.has_failed() ? BodyStep::Panicked() : BodyStep::Done();
  }

  std::optional<CoroutineTask<T>> task_;
  CoroutineRun run_;
  BodyOutcome<T> outcome_;
};

// A coroutine as a body; one poll after another. Belongs to whoever spawns it. The coroutine goes
// on the executor's thread when the body ends; what it throws is a panic.
template <class T>
class CoroutineBody final : public TaskBody {
 public:
  explicit CoroutineBody(CoroutineTask<T> task)
      : TaskBody{.poll = &Poll, .ended = &Ended}, driver_(std::move(task)) {}

  // See FunctionBody.
  bool has_ended() const { return has_ended_; }
  ExecutorError end() const { return end_; }
  // After it has ended, once: what the coroutine returned, or throws what it threw, or
  // ExecutorFailure when it was dropped.
  T Result() {
    if (outcome_.is_empty()) throw ExecutorFailure(end_);
    return outcome_.Get();
  }

 private:
  static BodyStep Poll(TaskBody& self, const BodyContext& context) {
    return static_cast<CoroutineBody&>(self).driver_.Poll(context);
  }
  static void Ended(TaskBody& self, ExecutorError end) {
    auto& body = static_cast<CoroutineBody&>(self);
    body.outcome_ = body.driver_.Drop();
    body.end_ = end;
    body.has_ended_ = true;
  }

  CoroutineDriver<T> driver_;
  BodyOutcome<T> outcome_;
  bool has_ended_ = false;
  ExecutorError end_ = ExecutorError::kNone;
};

// A coroutine as a task whose result is a future's. Owns itself from Spawn until it has ended.
template <class T>
class CoroutinePromiseBody final : public TaskBody {
 public:
  explicit CoroutinePromiseBody(CoroutineTask<T> task)
      : TaskBody{.poll = &Poll, .ended = &Ended}, driver_(std::move(task)) {}

  std::future<T> future() { return promise_.get_future(); }
  // In the place of `ended`, when it was refused.
  void Finish(ExecutorError end) { driver_.Drop().GiveTo(promise_, end); }

 private:
  static BodyStep Poll(TaskBody& self, const BodyContext& context) {
    return static_cast<CoroutinePromiseBody&>(self).driver_.Poll(context);
  }
  static void Ended(TaskBody& self, ExecutorError end) {
    const std::unique_ptr<CoroutinePromiseBody> body(&static_cast<CoroutinePromiseBody&>(self));
    body->Finish(end);
  }

  CoroutineDriver<T> driver_;
  std::promise<T> promise_;
};

// As SpawnForFuture of a function.
template <class T>
std::future<T> SpawnForFuture(Executor& executor, CoroutineTask<T> task) {
  auto body = std::make_unique<CoroutinePromiseBody<T>>(std::move(task));
  std::future<T> future = body->future();
  if (const ExecutorError error = executor.Spawn(*body); error != ExecutorError::kNone) {
    body->Finish(error);
  } else {
    (void)body.release();  // It owns itself now.
  }
  return future;
}

}  // namespace weft
