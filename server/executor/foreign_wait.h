#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "executor/body_outcome.h"
#include "executor/coroutine_wait.h"
#include "executor/executor.h"
#include "executor/executor_failure.h"

namespace weft {

// What co_await of an awaitable answers.
template <class Awaitable>
decltype(auto) AwaiterOf(Awaitable&& awaitable) {
  if constexpr (requires { std::forward<Awaitable>(awaitable).operator co_await(); }) {
    return std::forward<Awaitable>(awaitable).operator co_await();
  } else if constexpr (requires { operator co_await(std::forward<Awaitable>(awaitable)); }) {
    return operator co_await(std::forward<Awaitable>(awaitable));
  } else {
    return std::forward<Awaitable>(awaitable);
  }
}
template <class Awaitable>
using AwaitResult = decltype(AwaiterOf(std::declval<Awaitable>()).await_resume());

// Waits for an awaitable that knows nothing of executors and may resume whoever awaits it on any
// thread, or never: a coroutine of its own awaits it there, and the task goes on by a poll. When
// the task is dropped before, nobody is resumed; when the awaitable destroys whoever awaits it, the
// task is thrown AwaitAbandoned. It takes the awaitable over, which may outlive the task.
template <class Awaitable>
class ForeignWait : public OwnWait<ForeignWait<Awaitable>> {
  static_assert(!std::is_reference_v<Awaitable>, "move it into co_await: it may outlive the task");
  using Result = AwaitResult<Awaitable>;
  static_assert(!std::is_reference_v<Result>, "what it answers would outlive nobody");

 public:
  explicit ForeignWait(Awaitable&& awaitable) : awaitable_(std::move(awaitable)) {}
  ForeignWait(const ForeignWait&) = delete;
  ForeignWait& operator=(const ForeignWait&) = delete;
  ~ForeignWait() {
    const std::lock_guard lock(answer_->mutex);
    answer_->waker = {};
  }

  void Begin(const BodyContext& context) {
    answer_->waker = context.waker;
    Bring(std::move(awaitable_), answer_);
  }
  BodyStep Look(const BodyContext&) {
    const std::lock_guard lock(answer_->mutex);
    return answer_->outcome.is_empty() ? BodyStep::OnWake() : BodyStep::Done();
  }
  Result await_resume() { return answer_->outcome.Get(); }

 private:
  struct Answer {
    void Tell(BodyOutcome<Result> told) {
      const std::lock_guard lock(mutex);
      outcome = std::move(told);
      // Under the mutex, so that the task, and with it the executor, is still there.
      waker.Wake();
    }

    std::mutex mutex;
    // From here on guarded by the mutex.
    BodyOutcome<Result> outcome;
    BodyWaker waker;  // Empty: the task is gone.
  };

  // Tells, wherever the messenger ends.
  struct Envelope {
    explicit Envelope(std::shared_ptr<Answer> answer_in) : answer(std::move(answer_in)) {}
    Envelope(const Envelope&) = delete;
    Envelope& operator=(const Envelope&) = delete;
    ~Envelope() {
      if (outcome.is_empty()) outcome.Fail(std::make_exception_ptr(AwaitAbandoned()));
      answer->Tell(std::move(outcome));
    }

    std::shared_ptr<Answer> answer;
    BodyOutcome<Result> outcome;
  };

  // Runs on whoever resumes it, from the wait to its end.
  struct Messenger {
    struct promise_type {
      Messenger get_return_object() noexcept { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() noexcept {}
      void unhandled_exception() noexcept { std::terminate(); }  // It catches all.
    };
  };
  static Messenger Bring(Awaitable awaitable, std::shared_ptr<Answer> answer) {
    Envelope envelope(std::move(answer));
    try {
      if constexpr (std::is_void_v<Result>) {
        co_await std::move(awaitable);
        envelope.outcome.Take([] {});
      } else {
        Result result = co_await std::move(awaitable);
        envelope.outcome.Take([&result] { return std::move(result); });
      }
    } catch (...) {
      envelope.outcome.Fail(std::current_exception());
    }
  }

  Awaitable awaitable_;
  const std::shared_ptr<Answer> answer_ = std::make_shared<Answer>();
};

}  // namespace weft
