// Mutex, semaphore and event: who gets what in which order, and every way a wait may end.
#include "async/sync.h"

#include <memory>
#include <string>

#include "async_fixture.h"

namespace weft {
namespace {

using SyncTest = AsyncTest;

TEST_F(SyncTest, AMutexIsHeldAcrossSuspensionsAndHandedOnInOrder) {
  Mutex mutex(host());
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    Go([&, name](TaskContext& context) {
      const MutexLock lock(mutex, context);
      ASSERT_TRUE(lock.is_held());
      order += name;
      context.SleepFor(1'000'000);
      order += name;
    });
  }
  Settle();
  EXPECT_EQ(order, "a");
  for (int step = 0; step < 3; ++step) Advance(1'100'000);
  EXPECT_EQ(order, "aabbcc");
  EXPECT_FALSE(mutex.is_locked());
}

TEST_F(SyncTest, AMutexRefusesItsOwnerAndWhoDoesNotHoldIt) {
  Mutex mutex(host());
  Go([&](TaskContext& context) {
    EXPECT_FALSE(mutex.Unlock(context)) << "nobody holds it";
    EXPECT_TRUE(mutex.TryLock(context));
    EXPECT_FALSE(mutex.TryLock(context));
    EXPECT_EQ(mutex.Lock(context), WaitResult::kElsewhere) << "it would wait for itself";
    Go([&](TaskContext& other) {
      EXPECT_FALSE(mutex.Unlock(other));
      EXPECT_FALSE(mutex.TryLock(other));
    });
    context.Yield();
    EXPECT_TRUE(mutex.Unlock(context));
  });
  Settle();
  EXPECT_FALSE(mutex.is_locked());
}

TEST_F(SyncTest, WhatBelongsToAnotherHostIsRefused) {
  sys::Ticks now = 1;
  Core<ManualEnv> other(core_->options(), ManualEnv(&now), doorbell_);
  ASSERT_TRUE(other.Prepare().ok());
  Mutex mutex(other);
  Semaphore semaphore(other, 1);
  Event event(other);
  Go([&](TaskContext& context) {
    EXPECT_EQ(mutex.Lock(context), WaitResult::kElsewhere);
    EXPECT_EQ(semaphore.Acquire(context), WaitResult::kElsewhere);
    EXPECT_EQ(event.Wait(context), WaitResult::kElsewhere);
    EXPECT_FALSE(mutex.TryLock(context));
    EXPECT_FALSE(semaphore.TryAcquire());
  });
  Settle();
}

TEST_F(SyncTest, AWaitForAMutexMayElapseOrBeCancelled) {
  Mutex mutex(host());
  WaitResult elapsed = WaitResult::kDone;
  WaitResult cancelled = WaitResult::kDone;
  Go([&](TaskContext& context) {
    const MutexLock lock(mutex, context);
    context.SleepFor(10'000'000);
  });
  Go([&](TaskContext& context) { elapsed = mutex.Lock(context, NowNs() + 1'000'000); });
  auto handle = Spawn(host(), [&](TaskContext& context) { cancelled = mutex.Lock(context); });
  Settle();
  Advance(2'000'000);
  EXPECT_EQ(elapsed, WaitResult::kElapsed);
  EXPECT_TRUE(handle->Abort());
  Settle();
  EXPECT_EQ(cancelled, WaitResult::kCancelled);
  Advance(10'000'000);
  EXPECT_FALSE(mutex.is_locked()) << "nobody was left in its list";
}

TEST_F(SyncTest, WhatWasHandedOverCountsAlsoWhenACancelComesInTheSameTurn) {
  Mutex mutex(host());
  WaitResult result = WaitResult::kElapsed;
  Event leave(host());
  Go([&](TaskContext& context) {
    EXPECT_TRUE(mutex.TryLock(context));
    leave.Wait(context);
    EXPECT_TRUE(mutex.Unlock(context));
  });
  auto waiter = Spawn(host(), [&](TaskContext& context) {
    result = mutex.Lock(context);
    EXPECT_TRUE(mutex.Unlock(context));
  });
  Settle();
  leave.Set();
  core_->Turn();
  waiter->Abort();
  Settle();
  EXPECT_EQ(result, WaitResult::kDone);
  EXPECT_FALSE(mutex.is_locked());
}

TEST_F(SyncTest, ATaskWithADeadlineStopsWaitingAtIt) {
  Mutex mutex(host());
  Go([&](TaskContext& context) {
    const MutexLock lock(mutex, context);
    context.SleepFor(10'000'000);
  });
  Settle();
  WaitResult result = WaitResult::kDone;
  Submit(Suspending([&](TaskContext& context) {
           result = mutex.Lock(context);
           return context.Stop();
         }),
         Priority::kNormal, 1'000'000);
  Settle();
  Advance(1'500'000);
  EXPECT_EQ(result, WaitResult::kDeadline);
  const auto ended = Drain();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].state, TaskState::kExpired);
  Advance(10'000'000);
}

TEST_F(SyncTest, ASemaphoreServesInOrderAlsoWhoAsksForMany) {
  Semaphore semaphore(host(), 3);
  std::string order;
  EXPECT_TRUE(semaphore.TryAcquire(2));
  Go([&](TaskContext& context) {
    EXPECT_EQ(semaphore.Acquire(context, 3), WaitResult::kDone);
    order += "many ";
    semaphore.Release(3);
  });
  Go([&](TaskContext& context) {
    EXPECT_EQ(semaphore.Acquire(context), WaitResult::kDone);
    order += "one ";
    semaphore.Release();
  });
  Settle();
  EXPECT_EQ(order, "") << "one does not overtake many";
  EXPECT_FALSE(semaphore.TryAcquire()) << "neither does who only tries";
  semaphore.Release(2);
  Settle();
  EXPECT_EQ(order, "many one ");
  EXPECT_EQ(semaphore.available(), 3U);
}

TEST_F(SyncTest, ASemaphoreRefusesMoreThanThereEverAre) {
  Semaphore semaphore(host(), 2);
  Go([&](TaskContext& context) {
    EXPECT_EQ(semaphore.Acquire(context, 3), WaitResult::kElsewhere);
  });
  Settle();
  semaphore.Release(5);
  EXPECT_EQ(semaphore.available(), 2U);
}

TEST_F(SyncTest, WhoGivesUpLetsThoseBehindItThrough) {
  Semaphore semaphore(host(), 2);
  EXPECT_TRUE(semaphore.TryAcquire());
  bool served = false;
  auto many = Spawn(host(), [&](TaskContext& context) { semaphore.Acquire(context, 2); });
  Go([&](TaskContext& context) { served = semaphore.Acquire(context, 1) == WaitResult::kDone; });
  Settle();
  EXPECT_FALSE(served);
  many->Abort();
  Settle();
  EXPECT_TRUE(served);
}

TEST_F(SyncTest, PermitsAreGivenBackFromElsewhere) {
  Semaphore semaphore(host(), 2);
  EXPECT_TRUE(semaphore.TryAcquire(2));
  bool served = false;
  Go([&](TaskContext& context) { served = semaphore.Acquire(context, 2) == WaitResult::kDone; });
  Settle();
  Elsewhere([&] {
    const Permit one(semaphore);
    const Permit two(semaphore);
    EXPECT_FALSE(semaphore.TryAcquire()) << "of the host's thread only";
  });
  EXPECT_FALSE(served);
  Settle();
  EXPECT_TRUE(served);
}

TEST_F(SyncTest, WhatWasGivenBackIsAppliedBeforeASemaphoreGoes) {
  auto semaphore = std::make_unique<Semaphore>(host(), 1);
  EXPECT_TRUE(semaphore->TryAcquire());
  Elsewhere([&] { semaphore->Release(); });
  semaphore.reset();
  EXPECT_FALSE(core_->Turn()) << "no mail is left that would open what is gone";
}

TEST_F(SyncTest, AnEventWakesAllThatWaitAndStaysSet) {
  Event event(host());
  int woken = 0;
  for (int i = 0; i < 3; ++i) {
    Go([&](TaskContext& context) { woken += event.Wait(context) == WaitResult::kDone ? 1 : 0; });
  }
  Settle();
  EXPECT_EQ(woken, 0);
  Elsewhere([&] {
    event.Set();
    event.Set();
  });
  Settle();
  EXPECT_EQ(woken, 3);
  Go([&](TaskContext& context) { woken += event.Wait(context) == WaitResult::kDone ? 1 : 0; });
  Settle();
  EXPECT_EQ(woken, 4);
  event.Reset();
  WaitResult result = WaitResult::kDone;
  Go([&](TaskContext& context) { result = event.Wait(context, NowNs() + 1'000); });
  Settle();
  Advance(100'000);
  EXPECT_EQ(result, WaitResult::kElapsed);
}

}  // namespace
}  // namespace weft
