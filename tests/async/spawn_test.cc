// Spawning and joining: what a handle gives, what it refuses, and that nothing is left behind.
#include "async/spawn.h"

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>

#include "async/spawn_family.h"
#include "async_fixture.h"
#include "executor/task_io.h"

namespace weft {
namespace {

using SpawnTest = AsyncTest;

// Counts how often what it was moved into is destroyed.
struct Witness {
  explicit Witness(int* count) : count_(count) {}
  Witness(Witness&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Witness& operator=(Witness&&) = delete;
  ~Witness() {
    if (count_ != nullptr) ++*count_;
  }

 private:
  int* count_;
};

TEST_F(SpawnTest, GivesTheValueToWhoJoins) {
  std::string joined;
  Go([&](TaskContext& context) {
    auto handle = Spawn(context.host(), [] { return std::string("value"); });
    ASSERT_TRUE(handle.ok());
    auto value = handle->Join(context);
    ASSERT_TRUE(value.ok());
    joined = *value;
  });
  Settle();
  EXPECT_EQ(joined, "value");
  EXPECT_EQ(home().live(), 0U);
  EXPECT_EQ(home().outstanding(), 0U);
  ExpectConserved();
}

TEST_F(SpawnTest, ValuesMayBeMovedOnly) {
  int value = 0;
  Go([&](TaskContext& context) {
    auto handle = Spawn(context.host(), [] { return std::make_unique<int>(7); });
    value = **handle->Join(context);
  });
  Settle();
  EXPECT_EQ(value, 7);
}

TEST_F(SpawnTest, JoinWaitsForATaskThatSuspends) {
  bool joined = false;
  Go([&](TaskContext& context) {
    auto handle = Spawn(context.host(), [](TaskContext& inner) { inner.SleepFor(1'000'000); });
    EXPECT_TRUE(handle->Join(context).ok());
    joined = true;
  });
  Settle();
  EXPECT_FALSE(joined);
  Advance(2'000'000);
  EXPECT_TRUE(joined);
}

TEST_F(SpawnTest, AnExceptionIsTheJoinersError) {
  absl::Status status;
  Go([&](TaskContext& context) {
    auto handle = Spawn(context.host(), [] { throw std::runtime_error("broken"); });
    status = handle->Join(context);
  });
  Settle();
  EXPECT_EQ(status, absl::InternalError("the task threw: broken"));
}

TEST_F(SpawnTest, AJoinMayElapseAndBeTriedAgain) {
  absl::Status first;
  int value = 0;
  Go([&](TaskContext& context) {
    auto handle = Spawn(context.host(), [](TaskContext& inner) {
      inner.SleepFor(10'000'000);
      return 3;
    });
    first = handle->Join(context, NowNs() + 1'000'000).status();
    value = *handle->Join(context);
  });
  Advance(2'000'000);
  Advance(2'000'000);
  EXPECT_TRUE(absl::IsDeadlineExceeded(first)) << first;
  EXPECT_EQ(value, 0);
  Advance(10'000'000);
  EXPECT_EQ(value, 3);
}

TEST_F(SpawnTest, AJoinerThatIsCancelledLeavesTheTaskRunning) {
  bool ended = false;
  absl::Status joined;
  auto joiner = Spawn(host(), [&](TaskContext& context) {
    auto handle = Spawn(context.host(), [&](TaskContext& inner) {
      inner.SleepFor(1'000'000);
      ended = true;
    });
    joined = handle->Join(context);
  });
  Settle();
  EXPECT_TRUE(joiner->Abort());
  Settle();
  EXPECT_TRUE(absl::IsCancelled(joined)) << joined;
  EXPECT_FALSE(ended);
  Advance(2'000'000);
  EXPECT_TRUE(ended);
}

TEST_F(SpawnTest, ASecondJoinAndAJoinAfterDetachAreRefused) {
  absl::Status second;
  absl::Status detached;
  Go([&](TaskContext& context) {
    auto handle = Spawn(context.host(), [] { return 1; });
    EXPECT_TRUE(handle->Join(context).ok());
    second = handle->Join(context).status();
    auto other = Spawn(context.host(), [] { return 1; });
    other->Detach();
    EXPECT_FALSE(other->Abort());
    detached = other->Join(context).status();
  });
  Settle();
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  EXPECT_TRUE(absl::IsFailedPrecondition(detached)) << detached;
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(SpawnTest, AHandleWithoutATaskTellsNothing) {
  auto detached = Spawn(host(), [] { return 1; });
  EXPECT_TRUE(absl::IsFailedPrecondition(detached->End())) << "it has not ended";
  detached->Detach();
  auto source = Spawn(host(), [] { return 1; });
  const JoinHandle<int> target = *std::move(source);
  auto joined = Spawn(host(), [] { return 1; });
  JoinHandle<int> none;
  absl::Status awaited;
  Go([&](TaskContext& context) {
    EXPECT_TRUE(joined->Join(context).ok());
    awaited = none.Await(context);
  });
  Settle();
  EXPECT_TRUE(target.End().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(awaited)) << awaited;
  for (TaskHandle* const handle :
       {static_cast<TaskHandle*>(&*detached),
        static_cast<TaskHandle*>(&*source),  // NOLINT: moved from
        static_cast<TaskHandle*>(&*joined), static_cast<TaskHandle*>(&none)}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(handle->End())) << handle->End();
    EXPECT_FALSE(handle->is_attached());
    EXPECT_FALSE(handle->has_ended());
    EXPECT_FALSE(handle->Abort());
  }
  Elsewhere([&] { EXPECT_TRUE(absl::IsFailedPrecondition(none.BlockingJoin().status())); });
}

TEST_F(SpawnTest, ATaskThatJoinsItselfAndASecondJoinerAreRefused) {
  absl::StatusOr<JoinHandle<void>> handle;
  absl::Status itself;
  absl::Status second;
  handle = Spawn(host(), [&](TaskContext& context) {
    itself = handle->Await(context);
    context.SleepFor(1'000'000);
  });
  Settle();
  Go([&](TaskContext& context) { EXPECT_TRUE(handle->Await(context).ok()); });
  Go([&](TaskContext& context) { second = handle->Await(context); });
  Settle();
  EXPECT_TRUE(absl::IsFailedPrecondition(itself)) << itself;
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  Advance(2'000'000);
  EXPECT_EQ(home().live(), 0U);
}

TEST_F(SpawnTest, ADroppedHandleLeavesTheTaskRunning) {
  int witnessed = 0;
  bool ran = false;
  {
    auto handle = Spawn(host(), [&, witness = Witness(&witnessed)] { ran = true; });
    ASSERT_TRUE(handle.ok());
  }
  EXPECT_EQ(witnessed, 0);
  Settle();
  EXPECT_TRUE(ran);
  EXPECT_EQ(witnessed, 1);
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(SpawnTest, AValueThatNobodyTakesIsDropped) {
  int witnessed = 0;
  {
    auto handle = Spawn(host(), [&] { return Witness(&witnessed); });
  }
  Settle();
  EXPECT_EQ(witnessed, 1);
  auto kept = Spawn(host(), [&] { return Witness(&witnessed); });
  Settle();
  EXPECT_EQ(witnessed, 1);
  EXPECT_EQ(home().outstanding(), 1U);
  kept->Detach();
  EXPECT_EQ(witnessed, 2);
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(SpawnTest, WhatIsAbortedBeforeItsStartNeverBegins) {
  int witnessed = 0;
  bool ran = false;
  auto handle = Spawn(host(), [&, witness = Witness(&witnessed)] { ran = true; });
  EXPECT_TRUE(handle->Abort());
  EXPECT_TRUE(handle->Abort()) << "it has not ended yet";
  Settle();
  EXPECT_FALSE(ran);
  EXPECT_EQ(witnessed, 1);
  EXPECT_TRUE(handle->has_ended());
  EXPECT_FALSE(handle->Abort());
  absl::Status status;
  Go([&](TaskContext& context) { status = handle->Join(context); });
  Settle();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_EQ(core_->stats().ended[static_cast<size_t>(TaskState::kCancelled)].value(), 1U);
}

TEST_F(SpawnTest, ACancelRequestIsTakenOnceWhoeverAsksAndHoweverOften) {
  const CancellationToken token;
  std::vector<bool> takes;
  absl::StatusOr<JoinHandle<void>> handle = absl::UnknownError("not spawned");
  handle = SpawnCancellable(host(), token, [&](TaskContext& context) {
    takes.push_back(context.TakeCancelRequest());
    context.SleepFor(1'000'000);
    takes.push_back(context.TakeCancelRequest());
    EXPECT_TRUE(handle->Abort());
    takes.push_back(context.TakeCancelRequest());
  });
  ASSERT_TRUE(handle.ok());
  Settle();
  token.Cancel();
  Settle();
  EXPECT_EQ(takes, (std::vector<bool>{false, true, false}));
  EXPECT_FALSE(handle->Abort()) << "it has ended";
}

TEST_F(SpawnTest, AShieldedRequestIsTakenWhenTheShieldIsGone) {
  bool shielded = true, afterwards = false;
  auto handle = Spawn(host(), [&](TaskContext& context) {
    context.SetShielded(true);
    context.SleepFor(1'000);
    shielded = context.TakeCancelRequest();
    context.SetShielded(false);
    afterwards = context.TakeCancelRequest();
  });
  ASSERT_TRUE(handle.ok());
  Settle();
  EXPECT_TRUE(handle->Abort());
  EXPECT_TRUE(handle->Abort()) << "asked twice";
  Advance(2'000);
  EXPECT_FALSE(shielded);
  EXPECT_TRUE(afterwards);
}

TEST_F(SpawnTest, AnAbortCutsASleepShort) {
  WakeReason reason = WakeReason::kElapsed;
  auto handle = Spawn(host(), [&](TaskContext& context) {
    reason = context.SleepFor(1'000'000'000);
    EXPECT_TRUE(context.ShouldStop());
    EXPECT_TRUE(context.TakeCancelRequest());
    EXPECT_FALSE(context.TakeCancelRequest()) << "it was taken";
    EXPECT_TRUE(context.CancelRequested());
    return 5;
  });
  Settle();
  EXPECT_TRUE(handle->Abort());
  Settle();
  EXPECT_EQ(reason, WakeReason::kCancelled);
  int value = 0;
  Go([&](TaskContext& context) { value = *handle->Join(context); });
  Settle();
  EXPECT_EQ(value, 5) << "what it returned all the same";
}

TEST_F(SpawnTest, AnAbortOfAReadyTaskIsHarmless) {
  int rounds = 0;
  auto handle = Spawn(host(), [&](TaskContext& context) {
    while (context.Yield() == WakeReason::kElapsed && rounds < 10'000) ++rounds;
  });
  core_->Turn();
  EXPECT_TRUE(handle->Abort()) << "it is linked as ready, and stays so";
  Settle();
  EXPECT_TRUE(handle->has_ended());
  EXPECT_LT(rounds, 10'000);
  ExpectConserved();
}

TEST_F(SpawnTest, AnAbortFromElsewhereActsAtTheNextTurn) {
  WakeReason reason = WakeReason::kElapsed;
  auto handle =
      Spawn(host(), [&](TaskContext& context) { reason = context.SleepFor(1'000'000'000); });
  Settle();
  Elsewhere([&] {
    EXPECT_TRUE(handle->Abort());
    EXPECT_TRUE(handle->Abort());
  });
  EXPECT_FALSE(handle->has_ended());
  Settle();
  EXPECT_EQ(reason, WakeReason::kCancelled);
  EXPECT_TRUE(handle->has_ended());
  handle->Detach();
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(SpawnTest, AnAbortCutsAFileOperationShortAndWaitsForItsEnd) {
  int64_t result = 0;
  auto handle = Spawn(host(), [&](TaskContext& context) {
    char byte = 0;
    result = TaskIo(context).Read(3, {&byte, 1}, 0);
  });
  Settle();
  ASSERT_EQ(system_.under_way.size(), 1U);
  handle->Abort();
  handle->Abort();
  Settle();
  EXPECT_EQ(system_.cancels, std::vector{system_.under_way[0]});
  EXPECT_FALSE(handle->has_ended()) << "the system may still write to its stack";
  system_.Complete(0, -ECANCELED);
  Settle();
  EXPECT_EQ(result, -ECANCELED);
  EXPECT_TRUE(handle->has_ended());
}

TEST_F(SpawnTest, SlotsThatAreFreedElsewhereAreUsedAgain) {
  std::array<absl::StatusOr<JoinHandle<int>>, 32> handles;
  for (auto& handle : handles) handle = Spawn(host(), [] { return 1; });
  Settle();
  EXPECT_FALSE(TryClaimSlot(host()).has_value()) << "ended, but held by their handles";
  Elsewhere([&] {
    for (auto& handle : handles) handle->Detach();
  });
  EXPECT_EQ(home().outstanding(), 0U);
  EXPECT_TRUE(TryClaimSlot(host()).has_value());
}

TEST_F(SpawnTest, AClaimHoldsASlotUntilItIsUsedOrGoes) {
  int sum = 0;
  {
    std::vector<SlotClaim> claims;
    while (auto claim = TryClaimSlot(host())) claims.push_back(std::move(*claim));
    EXPECT_EQ(claims.size(), home().slots());
    auto handle = SpawnInSlot(host(), std::move(claims.back()), [&] { sum += 1; });
    EXPECT_TRUE(handle.ok());
    Settle();
    EXPECT_EQ(sum, 1);
  }
  EXPECT_TRUE(TryClaimSlot(host()).has_value());
  Elsewhere([&] { EXPECT_FALSE(TryClaimSlot(host()).has_value()) << "of the host's thread only"; });
  sys::Ticks now = 1;
  Core<ManualEnv> other(core_->options(), ManualEnv(&now), doorbell_);
  ASSERT_TRUE(other.Prepare().ok());
  auto claim = TryClaimSlot(host());
  const auto refused = SpawnInSlot(other, std::move(*claim), [] {});
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status())) << refused.status();
}

template <class F>
concept GoesIntoASlot = requires(TaskHost& host, SlotClaim claim, F callable) {
  SpawnInSlot(host, std::move(claim), std::move(callable));
};

struct TooLarge {
  void operator()() const {}
  std::array<char, 4096> captured{};
};

TEST_F(SpawnTest, WhatDoesNotFitASlotIsRefusedWhenItIsCompiled) {
  const auto small = [] {};
  static_assert(GoesIntoASlot<decltype(small)>);
  static_assert(!GoesIntoASlot<TooLarge>);
  EXPECT_TRUE(Spawn(host(), TooLarge()).ok()) << "whereas this takes the heap";
  Settle();
}

TEST_F(SpawnTest, WithoutASlotAndWhenTooLargeItGoesToTheHeap) {
  std::vector<SlotClaim> claims;
  while (auto claim = TryClaimSlot(host())) claims.push_back(std::move(*claim));
  int sum = 0;
  EXPECT_TRUE(Spawn(host(), [&] { sum += 1; }).ok());
  claims.clear();
  std::array<int, 1000> large = {1};
  EXPECT_TRUE(Spawn(host(), [&sum, large] { sum += large[0]; }).ok());
  EXPECT_TRUE(SpawnOnHeap(host(), [&] { sum += 1; }).ok());
  Settle();
  EXPECT_EQ(sum, 3);
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(SpawnTest, OnlyWhatFitsTakesASlot) {
  const auto free_slots = [this] {
    std::vector<SlotClaim> claims;
    while (auto claim = TryClaimSlot(host())) claims.push_back(std::move(*claim));
    return claims.size();
  };
  const size_t all = free_slots();
  ASSERT_GT(all, 0U);
  EXPECT_TRUE(Spawn(host(), [] {}).ok());
  EXPECT_EQ(free_slots(), all - 1);
  EXPECT_TRUE(Spawn(host(), TooLarge()).ok());
  EXPECT_TRUE(SpawnOnHeap(host(), [] {}).ok());
  EXPECT_EQ(free_slots(), all - 1);
  Settle();
  EXPECT_EQ(free_slots(), all);
}

TEST_F(SpawnTest, WhatIsRefusedLeavesNothingBehind) {
  int witnessed = 0;
  std::vector<absl::StatusOr<JoinHandle<void>>> handles;
  for (int i = 0; i < 32; ++i) {
    handles.push_back(Spawn(host(), [](TaskContext& context) { context.SleepFor(1'000'000); }));
  }
  const auto refused = Spawn(host(), [witness = Witness(&witnessed)] {});
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status())) << refused.status();
  EXPECT_EQ(witnessed, 1);
  EXPECT_EQ(home().live(), 32U);
  handles.clear();
  Settle();
  Advance(2'000'000);
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(SpawnTest, AThreadElsewhereSpawnsThroughTheInbox) {
  bool ran = false;
  Elsewhere([&] { EXPECT_TRUE(SpawnDetached(host(), [&] { ran = true; }).ok()); });
  EXPECT_FALSE(ran);
  Settle();
  EXPECT_TRUE(ran);
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(SpawnTest, AThreadThatRunsTasksMayNotBlock) {
  auto handle = Spawn(host(), [] { return 1; });
  EXPECT_TRUE(absl::IsFailedPrecondition(handle->BlockingJoin().status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(BlockOn(host(), [] { return 1; }).status()));
  Settle();
  EXPECT_EQ(*handle->BlockingJoin(), 1) << "what has ended needs no wait";
}

TEST_F(SpawnTest, NoMoreAreUnderWayThanTheSemaphorePermits) {
  Semaphore semaphore(host(), 3);
  int under_way = 0;
  int most = 0;
  int ended = 0;
  Go([&](TaskContext& context) {
    for (int i = 0; i < 10; ++i) {
      auto handle = SpawnBounded(context, semaphore, context.host(), [&](TaskContext& inner) {
        most = std::max(most, ++under_way);
        inner.SleepFor(1'000'000);
        --under_way;
        ++ended;
      });
      EXPECT_TRUE(handle.ok()) << handle.status();
    }
  });
  for (int step = 0; step < 10; ++step) Advance(1'100'000);
  EXPECT_EQ(ended, 10);
  EXPECT_EQ(most, 3);
  EXPECT_EQ(semaphore.available(), 3U);
}

TEST_F(SpawnTest, SpawnBoundedTellsWhyItSpawnedNothingAndKeepsNoPermit) {
  Semaphore none(host(), 0);
  Semaphore one(host(), 1);
  absl::Status never, cancelled, refused;
  Go([&](TaskContext& context) {
    never = SpawnBounded(context, none, context.host(), [] {}).status();
    ASSERT_TRUE(one.TryAcquire());
    auto waits = Spawn(context.host(), [&](TaskContext& inner) {
      cancelled =
          SpawnBounded(inner, one, inner.host(), [] { FAIL() << "it was cancelled"; }).status();
    });
    ASSERT_TRUE(waits.ok());
    context.Yield();
    waits->Abort();
    (void)waits->Join(context);
    one.Release();
    context.Yield();
    // Every slot is taken, so that what has its permit finds none.
    std::vector<JoinHandle<void>> others;
    for (auto other = Spawn(context.host(), [] {}); other.ok();
         other = Spawn(context.host(), [] {})) {
      others.push_back(*std::move(other));
    }
    refused = SpawnBounded(context, one, context.host(), [] {}).status();
    for (JoinHandle<void>& other : others) (void)other.Join(context);
  });
  Settle();
  EXPECT_EQ(never, absl::FailedPreconditionError("the semaphore never has a permit"));
  EXPECT_TRUE(absl::IsCancelled(cancelled)) << cancelled;
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_EQ(one.available(), 1U);
}

}  // namespace
}  // namespace weft
