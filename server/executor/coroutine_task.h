#pragma once

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include "executor/body_outcome.h"
#include "executor/coroutine_wait.h"
#include "executor/foreign_wait.h"

namespace weft {

template <class T>
class CoroutineTask;

// What the promises of all coroutines of a task have, whatever they return.
class CoroutinePromise {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }
  // Goes on with whoever awaited this one.
  auto final_suspend() noexcept {
    struct Next {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept { return next; }
      void await_resume() noexcept {}
      std::coroutine_handle<> next;
    };
    return Next{next_};
  }

  // What is awaited that is none of ours may answer on any thread: see ForeignWait.
  template <class Awaitable>
  decltype(auto) await_transform(Awaitable&& awaitable) {
    if constexpr (std::is_base_of_v<OwnAwaitable, std::remove_cvref_t<Awaitable>>) {
      return std::forward<Awaitable>(awaitable);
    } else {
      return ForeignWait<Awaitable>(std::forward<Awaitable>(awaitable));
    }
  }

  CoroutineRun& run() { return *run_; }
  // Before it is first resumed.
  void Join(CoroutineRun& run, std::coroutine_handle<> next) {
    run_ = &run;
    next_ = next;
  }

 private:
  CoroutineRun* run_ = nullptr;
  std::coroutine_handle<> next_ = std::noop_coroutine();
};

template <class T>
class CoroutinePromiseOf : public CoroutinePromise {
 public:
  CoroutineTask<T> get_return_object();
  void unhandled_exception() noexcept { outcome.Fail(std::current_exception()); }
  template <class Value>
  void return_value(Value&& value) {
    outcome.Take([&]() -> T { return std::forward<Value>(value); });
  }

  BodyOutcome<T> outcome;
};

template <>
class CoroutinePromiseOf<void> : public CoroutinePromise {
 public:
  CoroutineTask<void> get_return_object();
  void unhandled_exception() noexcept { outcome.Fail(std::current_exception()); }
  void return_void() {
    outcome.Take([] {});
  }

  BodyOutcome<void> outcome;
};

// A coroutine that runs as a task, or as a part of one. Begins when it is awaited, or its body is
// first polled, and is only ever resumed by polls. May await: another CoroutineTask, what
// executor/coroutine_wait.h has, and any other awaitable that is moved into co_await. Owned by
// whoever was given it; goes with all it holds wherever it stands.
template <class T>
class [[nodiscard]] CoroutineTask : public OwnAwaitable {
 public:
  using promise_type = CoroutinePromiseOf<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit CoroutineTask(Handle handle) : handle_(handle) {}
  CoroutineTask(CoroutineTask&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CoroutineTask& operator=(CoroutineTask&&) = delete;
  ~CoroutineTask() {
    if (handle_) handle_.destroy();
  }

  // As the part of a task: co_await runs it to its end.
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) {
    handle_.promise().Join(awaiting.promise().run(), awaiting);
    return handle_;
  }
  T await_resume() { return handle_.promise().outcome.Get(); }

  // As a whole one: for CoroutineBody.
  Handle handle() const { return handle_; }

 private:
  Handle handle_;
};

template <class T>
CoroutineTask<T> CoroutinePromiseOf<T>::get_return_object() {
  return CoroutineTask<T>(std::coroutine_handle<CoroutinePromiseOf>::from_promise(*this));
}
inline CoroutineTask<void> CoroutinePromiseOf<void>::get_return_object() {
  return CoroutineTask<void>(std::coroutine_handle<CoroutinePromiseOf>::from_promise(*this));
}

// Any awaitable as a task.
template <class Awaitable>
CoroutineTask<AwaitResult<Awaitable>> TaskOf(Awaitable awaitable) {
  co_return co_await std::move(awaitable);
}

}  // namespace weft
