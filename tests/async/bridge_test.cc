// Bodies of the seam, coroutines, other awaitables and futures, awaited by tasks under manual time,
// and tasks awaited as futures: every way each of them may end, and that late wakes reach nobody.
#include "async/bridge.h"

#include <coroutine>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "async_fixture.h"
#include "handlers/fake_context.h"

namespace weft {
namespace {

constexpr int64_t kMs = 1'000'000;

class BridgeTest : public AsyncTest {
 protected:
  // What the body came to as a part of a task that is run to where it waits.
  struct Run {
    std::optional<ExecutorError> end;
    JoinHandle<void> task;
  };
  std::unique_ptr<Run> Begin(TaskBody& body, int64_t until_ns = kNoEnd) {
    auto run = std::make_unique<Run>();
    auto task = Spawn(host(), [&body, until_ns, run = run.get()](TaskContext& context) {
      run->end = RunBody(context, body, until_ns);
    });
    EXPECT_TRUE(task.ok());
    run->task = *std::move(task);
    Settle();
    return run;
  }
};

// Polls are told to a function; the waker of the last is kept.
struct Probe {
  std::function<BodyStep(const BodyContext&)> step;
  int polls = 0;
  BodyContext last;

  auto Body() {
    return FunctionBody([this](const BodyContext& context) {
      ++polls;
      last = context;
      return step(context);
    });
  }
};

// An awaitable of somebody else's: whoever holds the desk answers, or destroys who waits.
struct Desk {
  std::coroutine_handle<> waiting;
  int answer = 0;

  void Answer(int value) {
    answer = value;
    std::exchange(waiting, nullptr).resume();
  }
  void Abandon() { std::exchange(waiting, nullptr).destroy(); }
};
struct AtDesk {
  Desk* desk;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const { desk->waiting = waiting; }
  int await_resume() const {
    if (desk->answer < 0) throw std::runtime_error("the desk is closed");
    return desk->answer;
  }
};

// ---- Bodies.

TEST_F(BridgeTest, ABodyIsPolledAtItsTimesWhileOthersRun) {
  Probe probe{[](const BodyContext& context) { return BodyStep::At(context.now_ns + kMs); }};
  auto body = probe.Body();
  const auto run = Begin(body);
  EXPECT_EQ(probe.polls, 1);
  bool other_ran = false;
  Go([&] { other_ran = true; });
  Settle();
  EXPECT_TRUE(other_ran);
  EXPECT_EQ(probe.polls, 1) << "it is not its time";
  Advance(2 * kMs);
  EXPECT_EQ(probe.polls, 2);
  probe.step = [](const BodyContext&) { return BodyStep::Done(); };
  Advance(2 * kMs);
  EXPECT_EQ(run->end, ExecutorError::kNone);
  EXPECT_EQ(body.end(), ExecutorError::kNone);
  EXPECT_TRUE(body.has_ended());
  ExpectConserved();
}

TEST_F(BridgeTest, ABodyThatGoesOnAtOnceLetsOthersGoFirst) {
  std::string order;
  Probe probe{[&](const BodyContext& context) {
    order += "body ";
    // By asking, and by a wake of its own.
    if (probe.polls == 1) return BodyStep::Again();
    context.waker.Wake();
    return probe.polls == 3 ? BodyStep::Done() : BodyStep::OnWake();
  }};
  auto body = probe.Body();
  Go([&](TaskContext& context) {
    Go([&](TaskContext& other) {
      order += "other ";
      other.Yield();
      order += "other ";
    });
    EXPECT_EQ(RunBody(context, body), ExecutorError::kNone);
  });
  Settle();
  EXPECT_EQ(order, "body other body other body ");
}

TEST_F(BridgeTest, AWakeFromAnotherThreadEndsTheWait) {
  bool is_there = false;
  Probe probe{[&](const BodyContext&) { return is_there ? BodyStep::Done() : BodyStep::OnWake(); }};
  auto body = probe.Body();
  const auto run = Begin(body);
  Advance(1'000 * kMs);
  EXPECT_EQ(probe.polls, 1);
  Elsewhere([&] {
    is_there = true;
    probe.last.waker.Wake();
    probe.last.waker.Wake();
  });
  Settle();
  EXPECT_EQ(run->end, ExecutorError::kNone);
  EXPECT_EQ(probe.polls, 2);
}

TEST_F(BridgeTest, ALateWakeReachesNeitherTheBodyNorTheNextOne) {
  Probe first{[](const BodyContext&) { return BodyStep::Done(); }};
  auto body = first.Body();
  EXPECT_EQ(Begin(body)->end, ExecutorError::kNone);
  first.last.waker.Wake();
  Probe second{[](const BodyContext&) { return BodyStep::OnWake(); }};
  auto next = second.Body();
  const auto run = Begin(next);
  EXPECT_EQ(second.last.waker.executor, first.last.waker.executor) << "it has the same place";
  first.last.waker.Wake();
  Elsewhere([&] { first.last.waker.Wake(); });
  Settle();
  EXPECT_EQ(second.polls, 1);
  EXPECT_TRUE(run->task.Abort());
  Settle();
  EXPECT_EQ(run->end, ExecutorError::kNotRunning);
}

// Of a task whose stack stays, what its wakers name stays, too.
TEST_F(BridgeTest, AWakeThatComesAfterTheHostReachesNobody) {
  Probe probe{[](const BodyContext&) { return BodyStep::OnWake(); }};
  auto body = probe.Body();
  Go([&](TaskContext& context) { RunBody(context, body); });
  Settle();
  core_.reset();
  probe.last.waker.Wake();
  Elsewhere([&] { probe.last.waker.Wake(); });
  EXPECT_EQ(probe.polls, 1);
  EXPECT_FALSE(body.has_ended());
}

TEST_F(BridgeTest, ACancelMakesTheNextPollTheLast) {
  Probe probe{[](const BodyContext&) { return BodyStep::OnWake(); }};
  auto body = probe.Body();
  const auto run = Begin(body);
  EXPECT_FALSE(probe.last.should_stop);
  EXPECT_TRUE(run->task.Abort());
  Settle();
  EXPECT_TRUE(probe.last.should_stop);
  EXPECT_EQ(probe.polls, 2);
  EXPECT_EQ(run->end, ExecutorError::kNotRunning);
  EXPECT_EQ(body.end(), ExecutorError::kNotRunning);
}

TEST_F(BridgeTest, WhatIsDoneWhenToldToStopIsDone) {
  Probe probe{[](const BodyContext& context) {
    return context.should_stop ? BodyStep::Done() : BodyStep::Again();
  }};
  auto body = probe.Body();
  auto task = Spawn(host(), [&](TaskContext& context) { return RunBody(context, body); });
  ASSERT_TRUE(task.ok());
  Go([&](TaskContext& context) {
    while (probe.polls < 5) context.Yield();
    task->Abort();
  });
  Settle();
  EXPECT_EQ(*task->BlockingJoin(), ExecutorError::kNone);
  EXPECT_TRUE(probe.last.should_stop);
  EXPECT_EQ(probe.polls, 6);
}

TEST_F(BridgeTest, TheDeadlineOfTheTaskAndATimeDoTheSame) {
  Probe late{[](const BodyContext&) { return BodyStep::OnWake(); }};
  auto body = late.Body();
  std::optional<ExecutorError> end;
  Submit(Suspending([&](TaskContext& context) {
           end = RunBody(context, body);
           return context.Stop();
         }),
         Priority::kNormal, 10 * kMs);
  Settle();
  Probe timed{[](const BodyContext& context) { return BodyStep::At(context.now_ns + 4 * kMs); }};
  auto timed_body = timed.Body();
  const auto run = Begin(timed_body, NowNs() + 10 * kMs);
  Advance(9 * kMs);
  EXPECT_FALSE(end.has_value() || run->end.has_value());
  Advance(2 * kMs);
  EXPECT_EQ(end, ExecutorError::kNotRunning);
  EXPECT_EQ(late.polls, 2);
  EXPECT_EQ(run->end, ExecutorError::kNotRunning);
  EXPECT_TRUE(late.last.should_stop && timed.last.should_stop);
  auto never = timed.Body();
  EXPECT_EQ(Begin(never, NowNs())->end, ExecutorError::kNotRunning) << "one poll all the same";
}

TEST_F(BridgeTest, WhatABodyThrowsOrTellsIsAPanic) {
  Probe throws{[](const BodyContext&) -> BodyStep { throw std::runtime_error("out of paper"); }};
  Probe tells{[](const BodyContext&) { return BodyStep::Panicked(); }};
  auto first = throws.Body();
  auto second = tells.Body();
  EXPECT_EQ(Begin(first)->end, ExecutorError::kTaskPanicked);
  EXPECT_EQ(Begin(second)->end, ExecutorError::kTaskPanicked);
  EXPECT_EQ(first.end(), ExecutorError::kTaskPanicked);
}

TEST_F(BridgeTest, ATaskThatMayNotSuspendIsAskedToStop) {
  Probe waits{[](const BodyContext&) { return BodyStep::OnWake(); }};
  Probe yields{
      [&](const BodyContext&) { return yields.polls < 9 ? BodyStep::Again() : BodyStep::Done(); }};
  auto first = waits.Body();
  auto second = yields.Body();
  Submit(Plain([&](TaskContext& context) {
    EXPECT_EQ(RunBody(context, first), ExecutorError::kNotRunning);
    EXPECT_EQ(RunBody(context, second), ExecutorError::kNotRunning);
    return TaskOutcome::kSucceeded;
  }));
  Settle();
  EXPECT_EQ(waits.polls, 2);
  EXPECT_EQ(yields.polls, 2);
}

TEST(BridgeWithoutSpawns, IsRefusedAndCallsNothing) {
  FakeContext context("");
  Probe probe{[](const BodyContext&) { return BodyStep::Done(); }};
  auto body = probe.Body();
  EXPECT_EQ(RunBody(context, body), ExecutorError::kNotSupported);
  EXPECT_FALSE(body.has_ended());
  EXPECT_EQ(probe.polls, 0);
  std::promise<int> promise;
  auto future = promise.get_future();
  EXPECT_TRUE(absl::IsUnimplemented(AwaitFuture(context, future).status()));
  EXPECT_TRUE(future.valid());
  EXPECT_TRUE(absl::IsUnimplemented(SpawnForFuture(context.host(), [] {}).status()));
}

// ---- Coroutines and other awaitables.

TEST_F(BridgeTest, ACoroutineIsAwaitedForItsValueOrItsException) {
  const auto sum = [](int left, int right) -> CoroutineTask<int> {
    co_await SleepFor(kMs);
    co_return left + right;
  };
  const auto fails = []() -> CoroutineTask<void> {
    co_await NextPoll();
    throw std::runtime_error("out of paper");
  };
  const auto refuses = []() -> CoroutineTask<absl::Status> {
    co_return absl::NotFoundError("no such desk");
  };
  absl::StatusOr<int> value = absl::UnknownError("");
  absl::Status thrown;
  absl::Status refused;
  Go([&](TaskContext& context) {
    value = Await(context, sum(40, 2));
    thrown = Await(context, fails());
    refused = Await(context, refuses());
  });
  Settle();
  EXPECT_TRUE(absl::IsUnknown(value.status())) << "it sleeps";
  Advance(2 * kMs);
  EXPECT_EQ(*value, 42);
  EXPECT_EQ(thrown, absl::InternalError("what was awaited threw: out of paper"));
  EXPECT_EQ(refused, absl::NotFoundError("no such desk"));
}

TEST_F(BridgeTest, AnAwaitableOfSomebodyElsesAnswersFromAnyThread) {
  Desk desk;
  std::vector<absl::StatusOr<int>> answers;
  Go([&](TaskContext& context) {
    for (int i = 0; i < 3; ++i) answers.push_back(Await(context, AtDesk{&desk}));
  });
  Settle();
  Elsewhere([&] { desk.Answer(9); });
  Settle();
  desk.Answer(-1);
  Settle();
  desk.Abandon();
  Settle();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(*answers[0], 9);
  EXPECT_EQ(answers[1].status(), absl::InternalError("what was awaited threw: the desk is closed"));
  EXPECT_TRUE(absl::IsInternal(answers[2].status())) << "it went away";
}

TEST_F(BridgeTest, AnAnswerThatComesAfterTheWaitReachesNobody) {
  Desk desk;
  absl::StatusOr<int> answer;
  auto task = Spawn(host(), [&](TaskContext& context) { answer = Await(context, AtDesk{&desk}); });
  Settle();
  task->Abort();
  Settle();
  EXPECT_TRUE(absl::IsCancelled(answer.status()));
  Elsewhere([&] { desk.Answer(1); });
  Go([&](TaskContext& context) { answer = Await(context, AtDesk{&desk}, NowNs() + kMs); });
  Settle();
  Advance(2 * kMs);
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status()));
  desk.Answer(1);
  Settle();
}

// ---- Futures.

TEST_F(BridgeTest, AFutureIsAwaitedForItsValue) {
  std::promise<std::unique_ptr<int>> promise;
  auto future = promise.get_future();
  int value = 0;
  Go([&](TaskContext& context) { value = **AwaitFuture(context, future); });
  Settle();
  Advance(100 * kMs);
  EXPECT_EQ(value, 0);
  promise.set_value(std::make_unique<int>(7));
  Advance(2 * kFutureLookNs);
  EXPECT_EQ(value, 7);
  EXPECT_FALSE(future.valid());
}

TEST_F(BridgeTest, WhatAFutureThrowsIsInternal) {
  std::promise<void> fails;
  auto failing = fails.get_future();
  auto breaks = std::make_unique<std::promise<void>>();
  auto broken = breaks->get_future();
  std::promise<void> odd;
  auto strange = odd.get_future();
  fails.set_exception(std::make_exception_ptr(std::runtime_error("out of paper")));
  odd.set_exception(std::make_exception_ptr(1));
  breaks.reset();
  Go([&](TaskContext& context) {
    EXPECT_EQ(AwaitFuture(context, failing),
              absl::InternalError("what was awaited threw: out of paper"));
    EXPECT_EQ(AwaitFuture(context, strange),
              absl::InternalError("what was awaited threw: something that is not a "
                                  "std::exception"));
    EXPECT_TRUE(absl::IsInternal(AwaitFuture(context, broken)));
  });
  Settle();
  ExpectConserved();
}

TEST_F(BridgeTest, AFutureThatIsNotAwaitedToItsEndIsLeftAsItIs) {
  std::promise<int> promise;
  auto future = promise.get_future();
  std::vector<absl::Status> ends;
  auto task = Spawn(host(), [&](TaskContext& context) {
    ends.push_back(AwaitFuture(context, future, NowNs() + kFutureLookNs / 2).status());
    ends.push_back(AwaitFuture(context, future).status());
  });
  Settle();
  Advance(kFutureLookNs * 3 / 4);
  ASSERT_EQ(ends.size(), 1U) << "the time passes before the next look";
  EXPECT_TRUE(absl::IsDeadlineExceeded(ends[0]));
  task->Abort();
  Settle();
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_TRUE(absl::IsCancelled(ends[1]));
  promise.set_value(3);
  EXPECT_EQ(future.get(), 3);
}

TEST_F(BridgeTest, AFutureThatNeverComesByItselfIsRefused) {
  std::future<int> empty;
  std::future<int> deferred = std::async(std::launch::deferred, [] { return 1; });
  Go([&](TaskContext& context) {
    EXPECT_TRUE(absl::IsFailedPrecondition(AwaitFuture(context, empty).status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(AwaitFuture(context, deferred).status()));
  });
  Settle();
  ExpectConserved();
}

// ---- Tasks as futures.

TEST_F(BridgeTest, ATaskIsAFutureThatHasItsValueOnceItsCallableIsGone) {
  absl::StatusOr<std::future<std::unique_ptr<int>>> value;
  std::optional<bool> was_ready;
  const auto tell = [&](const int* owned) {
    was_ready = IsReady(*value);
    delete owned;
  };
  value = SpawnForFuture(host(), [owned = std::unique_ptr<int, decltype(tell)>(new int(5), tell)](
                                     TaskContext& context) {
    context.SleepFor(kMs);
    return std::make_unique<int>(*owned);
  });
  auto nothing = SpawnForFuture(host(), [] {});
  ASSERT_TRUE(value.ok() && nothing.ok());
  Settle();
  EXPECT_FALSE(was_ready.has_value()) << "it sleeps, and what it owns is there";
  Advance(2 * kMs);
  ASSERT_TRUE(IsReady(*value) && IsReady(*nothing));
  EXPECT_EQ(was_ready, false);
  EXPECT_EQ(*value->get(), 5);
  nothing->get();
  EXPECT_EQ(home().outstanding(), 0U);
  ExpectConserved();
}

TEST_F(BridgeTest, WhatATaskThrowsIsItsFuturesAndTheTaskHasFailed) {
  auto future = SpawnForFuture(host(), []() -> int { throw std::out_of_range("too far"); });
  ASSERT_TRUE(future.ok());
  Settle();
  EXPECT_THROW(future->get(), std::out_of_range);
  EXPECT_EQ(core_->stats().ended[static_cast<size_t>(TaskState::kFailed)].value(), 1U);
}

TEST_F(BridgeTest, ASpawnForAFutureThatIsRefusedLeavesNothing) {
  auto owned = std::make_shared<int>(1);
  std::vector<std::future<int>> futures;
  absl::Status refusal;
  while (refusal.ok() && futures.size() < 1'000) {
    auto future = SpawnForFuture(host(), [owned] { return *owned; });
    if (future.ok()) {
      futures.push_back(*std::move(future));
    } else {
      refusal = future.status();
    }
  }
  EXPECT_TRUE(absl::IsResourceExhausted(refusal)) << refusal;
  EXPECT_EQ(owned.use_count(), 1 + static_cast<long>(futures.size()));
  Settle();
  for (auto& future : futures) EXPECT_EQ(future.get(), 1);
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(BridgeTest, ATaskThatItsHostAbandonsIsABrokenPromise) {
  auto owned = std::make_shared<int>(1);
  auto suspended = SpawnForFuture(host(), [owned](TaskContext& context) { context.SleepFor(kMs); });
  Settle();
  auto unbegun = SpawnForFuture(host(), [owned] {});
  ASSERT_TRUE(suspended.ok() && unbegun.ok());
  core_.reset();
  for (auto* future : {&*suspended, &*unbegun}) {
    ASSERT_TRUE(IsReady(*future));
    EXPECT_THROW(future->get(), std::future_error);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace weft
