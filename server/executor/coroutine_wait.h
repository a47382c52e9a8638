#pragma once

#include <coroutine>
#include <cstdint>
#include <future>
#include <utility>

#include "executor/executor.h"
#include "executor/future_bridge.h"

// What a coroutine that runs as a task may wait for. Task's own thread only, where nothing else is
// said.
namespace weft {

// Marks what knows of CoroutineRun.
struct OwnAwaitable {};

// Why the innermost coroutine of a task stands still. Lives in that coroutine.
struct CoroutineWait {
  // When it begins and at each poll. Done: it goes on; else the step that the poll answers.
  BodyStep (*look)(CoroutineWait& self, const BodyContext& context) = nullptr;
};

// What the coroutines of one task share.
struct CoroutineRun {
  const BodyContext* context = nullptr;  // Of the poll under way.
  CoroutineWait* wait = nullptr;         // Null: it may go on.
  std::coroutine_handle<> innermost;
};

// One wait that an awaitable is made of.
template <class Derived>
class OwnWait : public OwnAwaitable, public CoroutineWait {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> awaiting) {
    CoroutineRun& run = awaiting.promise().run();
    look = [](CoroutineWait& self, const BodyContext& context) {
      return static_cast<Derived&>(self).Look(context);
    };
    static_cast<Derived*>(this)->Begin(*run.context);
    run.innermost = awaiting;
    run.wait = this;
  }
};

// co_await SleepFor(ns): true when so much time has passed, false when the executor shuts down
// before.
class SleepFor : public OwnWait<SleepFor> {
 public:
  explicit SleepFor(int64_t duration_ns) : duration_ns_(duration_ns) {}

  void Begin(const BodyContext& context) {
    const bool is_endless = duration_ns_ >= kPollOnWake - 1 - context.now_ns;
    until_ns_ = is_endless ? kPollOnWake - 1 : context.now_ns + duration_ns_;
  }
  BodyStep Look(const BodyContext& context) {
    has_elapsed_ = context.now_ns >= until_ns_;
    return has_elapsed_ || context.should_stop ? BodyStep::Done() : BodyStep::At(until_ns_);
  }
  bool await_resume() const { return has_elapsed_; }

 private:
  const int64_t duration_ns_;
  int64_t until_ns_ = 0;
  bool has_elapsed_ = false;
};

// co_await NextPoll(): lets the others go first; the context of the poll that goes on.
class NextPoll : public OwnWait<NextPoll> {
 public:
  void Begin(const BodyContext&) {}
  BodyStep Look(const BodyContext& context) {
    context_ = context;
    return std::exchange(is_next_, true) ? BodyStep::Done() : BodyStep::Again();
  }
  BodyContext await_resume() const { return context_; }

 private:
  BodyContext context_;
  bool is_next_ = false;
};

// co_await WhenReady(future): the future's value, or throws what its promise was given. Looked at
// every look_ns.
template <class T>
class WhenReady : public OwnWait<WhenReady<T>> {
 public:
  explicit WhenReady(std::future<T> future, int64_t look_ns = kFutureLookNs)
      : future_(std::move(future)), look_ns_(look_ns) {}

  void Begin(const BodyContext&) {}
  BodyStep Look(const BodyContext& context) {
    return IsReady(future_) ? BodyStep::Done() : BodyStep::At(context.now_ns + look_ns_);
  }
  T await_resume() { return future_.get(); }

 private:
  std::future<T> future_;
  const int64_t look_ns_;
};

}  // namespace weft
