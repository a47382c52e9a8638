// The C interface, called as a C program calls it: results, refusals, and the life of a task that
// is attached again and again.
#include "embed/c_abi.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

constexpr timespec kAtOnce = {};

class CAbiTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(weft_executor_create(&executor_, nullptr).code, WEFT_OK); }
  void TearDown() override {
    if (executor_ == nullptr) return;
    EXPECT_EQ(weft_executor_quiesce(executor_, 10'000'000'000).value, 0);
    EXPECT_EQ(weft_executor_destroy(executor_).code, WEFT_OK);
  }

  static weft_task* Make(weft_task_code code, void* user = nullptr, uint32_t priority = 0) {
    weft_task_attr attr = {};
    attr.code = code;
    attr.user = user;
    attr.cpu_priority = priority;
    weft_task* task = nullptr;
    EXPECT_EQ(weft_task_create(&task, &attr).code, WEFT_OK);
    return task;
  }
  void Attach(weft_task* task) { EXPECT_EQ(weft_task_attach(executor_, task).code, WEFT_OK); }
  int64_t Poll(uint64_t max_items = 64) {
    return weft_executor_run(executor_, max_items, &kAtOnce).value;
  }
  void RunUntilDone(weft_task* task) {
    while (weft_task_is_done(task).value == 0) {
      ASSERT_EQ(weft_executor_run(executor_, 1, nullptr).code, WEFT_OK);
    }
  }

  weft_executor* executor_ = nullptr;
};

weft_result AddOne(weft_context* /*context*/, void* user) {
  return weft_success(++*static_cast<int*>(user));
}

TEST_F(CAbiTest, ATaskRunsEachTimeItIsAttached) {
  int count = 0;
  weft_task* task = Make(&AddOne, &count);
  EXPECT_EQ(weft_task_result(task).code, WEFT_NOT_ATTACHED);
  EXPECT_EQ(weft_task_is_done(task).value, 0);
  for (int round = 1; round <= 3; ++round) {
    Attach(task);
    EXPECT_EQ(weft_task_is_done(task).value, 0);
    EXPECT_EQ(weft_task_result(task).code, WEFT_BUSY);
    EXPECT_EQ(weft_executor_live(executor_).value, 1);
    EXPECT_EQ(Poll(), 1);
    EXPECT_EQ(weft_task_is_done(task).value, 1);
    EXPECT_EQ(weft_task_result(task).value, round);
    EXPECT_EQ(weft_task_result(task).value, round) << "it stays";
  }
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, NullsAreRefusedEachByItsOwnCode) {
  weft_task* task = Make(&AddOne);
  EXPECT_EQ(weft_executor_create(nullptr, nullptr).code, WEFT_INVALID_ARGUMENT);
  EXPECT_EQ(weft_executor_destroy(nullptr).code, WEFT_NULL_EXECUTOR);
  EXPECT_EQ(weft_executor_run(nullptr, 1, nullptr).code, WEFT_NULL_EXECUTOR);
  EXPECT_EQ(weft_executor_wake(nullptr).code, WEFT_NULL_EXECUTOR);
  EXPECT_EQ(weft_executor_quiesce(nullptr, 0).code, WEFT_NULL_EXECUTOR);
  EXPECT_EQ(weft_executor_live(nullptr).code, WEFT_NULL_EXECUTOR);
  EXPECT_EQ(weft_task_create(nullptr, nullptr).code, WEFT_INVALID_ARGUMENT);
  EXPECT_EQ(weft_task_attach(nullptr, task).code, WEFT_NULL_EXECUTOR);
  EXPECT_EQ(weft_task_attach(executor_, nullptr).code, WEFT_NULL_TASK);
  for (const weft_result& result :
       {weft_task_destroy(nullptr), weft_task_set(nullptr, nullptr), weft_task_cancel(nullptr),
        weft_task_is_done(nullptr), weft_task_result(nullptr),
        weft_task_get_times(nullptr, nullptr)}) {
    EXPECT_EQ(result.code, WEFT_NULL_TASK);
    EXPECT_STREQ(result.message, "the task is NULL");
  }
  for (const weft_result& result :
       {weft_should_stop(nullptr), weft_now(nullptr), weft_yield(nullptr),
        weft_suspend_for_duration(nullptr, 1), weft_suspend_until_boot_time(nullptr, 1),
        weft_await_task(nullptr, task, 1), weft_read(nullptr, 0, nullptr, 0, 0),
        weft_write(nullptr, 0, nullptr, 0, 0), weft_fsync(nullptr, 0)}) {
    EXPECT_EQ(result.code, WEFT_NULL_CONTEXT);
  }
  EXPECT_EQ(weft_context_task(nullptr), nullptr);
  EXPECT_EQ(weft_task_get_times(task, nullptr).code, WEFT_INVALID_ARGUMENT);
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, ZeroedAttributesMeanTheDefaults) {
  weft_executor_attr executor_attr = {};
  weft_executor* executor = nullptr;
  ASSERT_EQ(weft_executor_create(&executor, &executor_attr).code, WEFT_OK);
  weft_task_attr attr = {};
  weft_task* task = nullptr;
  ASSERT_EQ(weft_task_create(&task, &attr).code, WEFT_OK);
  int count = 0;
  attr.code = &AddOne;
  attr.user = &count;
  ASSERT_EQ(weft_task_set(task, &attr).code, WEFT_OK);
  EXPECT_EQ(weft_task_attach(executor, task).code, WEFT_OK);
  EXPECT_EQ(weft_executor_run(executor, 64, &kAtOnce).value, 1);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
  EXPECT_EQ(weft_executor_destroy(executor).code, WEFT_OK);
}

TEST_F(CAbiTest, ASetTaskRunsAsItWasSet) {
  int first = 0;
  int second = 0;
  weft_task* task = Make(&AddOne, &first);
  weft_task_attr attr = {};
  attr.code = &AddOne;
  attr.user = &second;
  EXPECT_EQ(weft_task_set(task, &attr).code, WEFT_OK);
  Attach(task);
  RunUntilDone(task);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
  attr.cpu_priority = 99;
  EXPECT_EQ(weft_task_set(task, &attr).code, WEFT_INVALID_ARGUMENT);
  Attach(task);
  RunUntilDone(task);
  EXPECT_EQ(second, 2) << "what is refused changes nothing";
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, ASecondWhoAwaitsATaskIsRefused) {
  struct Shared {
    weft_task* awaited = nullptr;
    bool is_over = false;
    int busy = 0;
  } shared;
  shared.awaited = Make(
      [](weft_context* context, void* user) {
        while (!static_cast<Shared*>(user)->is_over) weft_yield(context);
        return weft_success(0);
      },
      &shared);
  const weft_task_code await = [](weft_context* context, void* user) {
    auto& own = *static_cast<Shared*>(user);
    const weft_result result = weft_await_task(context, own.awaited, UINT64_MAX);
    if (result.code == WEFT_BUSY) {
      ++own.busy;
      own.is_over = true;
    }
    return result;
  };
  weft_task* one = Make(await, &shared);
  weft_task* other = Make(await, &shared);
  for (weft_task* task : {shared.awaited, one, other}) Attach(task);
  RunUntilDone(one);
  RunUntilDone(other);
  EXPECT_EQ(shared.busy, 1);
  EXPECT_EQ(weft_task_result(one).code, WEFT_OK);
  EXPECT_EQ(weft_task_result(other).code, WEFT_BUSY);
  for (weft_task* task : {one, other, shared.awaited}) weft_task_destroy(task);
}

TEST_F(CAbiTest, ATaskWithoutCodeIsRefused) {
  weft_task* task = nullptr;
  ASSERT_EQ(weft_task_create(&task, nullptr).code, WEFT_OK);
  const weft_result result = weft_task_attach(executor_, task);
  EXPECT_EQ(result.code, WEFT_INVALID_ARGUMENT);
  EXPECT_STREQ(result.message, "code: must not be NULL");
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, NumbersOutOfRangeAreNamed) {
  weft_executor* other = nullptr;
  const auto expect = [&](const weft_executor_attr& attr, const char* message) {
    const weft_result result = weft_executor_create(&other, &attr);
    EXPECT_EQ(result.code, WEFT_INVALID_ARGUMENT);
    EXPECT_STREQ(result.message, message);
    EXPECT_EQ(other, nullptr);
  };
  weft_executor_attr attr = {};
  attr.tasks = 2'000'000;
  expect(attr, "tasks: 2000000 is not right, expected 1 to 1000000");
  attr = {};
  attr.idle = 7;
  expect(attr, "idle: 7 is not right, expected 0 to 2");
  attr = {};
  attr.io_backend = 3;
  expect(attr, "io_backend: 3 is not right, expected 0 to 2");
  attr = {};
  attr.ring_entries = 5;
  expect(attr, "ring_entries: 5 is not right, expected 8 to 4096");
  attr = {};
  attr.io_threads = 1'000;
  expect(attr, "io_threads: 1000 is not right, expected 1 to 256");
  attr = {};
  attr.size = 1;
  expect(attr, "size: 1 is not right, expected what this library knows");
  weft_task_attr task_attr = {};
  task_attr.io_priority = 9;
  weft_task* task = nullptr;
  EXPECT_STREQ(weft_task_create(&task, &task_attr).message,
               "io_priority: 9 is not right, expected 0 to 2");
  EXPECT_EQ(task, nullptr);
  EXPECT_EQ(weft_executor_run(executor_, 0, &kAtOnce).code, WEFT_INVALID_ARGUMENT);
  const timespec wrong = {.tv_sec = 0, .tv_nsec = 1'000'000'000};
  EXPECT_EQ(weft_executor_run(executor_, 1, &wrong).code, WEFT_INVALID_ARGUMENT);
}

TEST_F(CAbiTest, AnOlderAndSmallerStructIsTaken) {
  weft_executor_attr attr = {};
  attr.size = 8;  // size and tasks, as it were.
  attr.tasks = 1;
  attr.stacks = 99'999'999;  // Beyond what the program knows of.
  weft_executor* other = nullptr;
  ASSERT_EQ(weft_executor_create(&other, &attr).code, WEFT_OK);
  int count = 0;
  weft_task* one = Make(&AddOne, &count);
  weft_task* two = Make(&AddOne, &count);
  EXPECT_EQ(weft_task_attach(other, one).code, WEFT_OK);
  EXPECT_EQ(weft_task_attach(other, two).code, WEFT_OUT_OF_RESOURCES);
  EXPECT_EQ(weft_executor_destroy(other).code, WEFT_BUSY);
  EXPECT_EQ(count, 0) << "a refusal runs nothing";
  EXPECT_EQ(weft_executor_quiesce(other, 1'000'000'000).value, 0);
  EXPECT_EQ(weft_executor_destroy(other).code, WEFT_OK);
  weft_task_destroy(one);
  weft_task_destroy(two);
}

TEST_F(CAbiTest, ARefusedAttachLeavesTheResultAndTheTimesOfTheRunBefore) {
  weft_executor_attr attr = {};
  attr.size = sizeof(attr);
  attr.tasks = 1;
  weft_executor* other = nullptr;
  ASSERT_EQ(weft_executor_create(&other, &attr).code, WEFT_OK);
  int count = 0;
  weft_task* first = Make(&AddOne, &count);
  weft_task* second = Make(&AddOne, &count);
  ASSERT_EQ(weft_task_attach(other, first).code, WEFT_OK);
  while (weft_task_is_done(first).value == 0) {
    ASSERT_EQ(weft_executor_run(other, 1, &kAtOnce).code, WEFT_OK);
  }
  weft_task_times before = {};
  before.size = sizeof(before);
  ASSERT_EQ(weft_task_get_times(first, &before).code, WEFT_OK);
  ASSERT_NE(before.ticks_done, 0U);
  ASSERT_EQ(weft_task_attach(other, second).code, WEFT_OK);
  ASSERT_EQ(weft_task_attach(other, first).code, WEFT_OUT_OF_RESOURCES);
  weft_task_times after = {};
  after.size = sizeof(after);
  ASSERT_EQ(weft_task_get_times(first, &after).code, WEFT_OK);
  EXPECT_EQ(after.ticks_attached, before.ticks_attached);
  EXPECT_EQ(after.ticks_begun, before.ticks_begun);
  EXPECT_EQ(after.ticks_done, before.ticks_done);
  EXPECT_EQ(weft_task_is_done(first).value, 1);
  EXPECT_EQ(weft_task_result(first).code, WEFT_OK);
  EXPECT_EQ(weft_executor_quiesce(other, 1'000'000'000).value, 0);
  EXPECT_EQ(weft_executor_destroy(other).code, WEFT_OK);
  weft_task_destroy(first);
  weft_task_destroy(second);
}

int64_t BootNowNs() {
  timespec now = {};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

TEST_F(CAbiTest, SuspendsUntilATimeOfTheBootClock) {
  struct Wait {
    uint64_t until_ns;
    weft_result came;
  };
  const auto code = [](weft_context* context, void* user) {
    auto& wait = *static_cast<Wait*>(user);
    return wait.came = weft_suspend_until_boot_time(context, wait.until_ns);
  };
  Wait soon = {static_cast<uint64_t>(BootNowNs()) + 2'000'000, {}};
  weft_task* task = Make(code, &soon);
  Attach(task);
  RunUntilDone(task);
  EXPECT_EQ(weft_task_result(task).code, WEFT_OK);
  EXPECT_GE(BootNowNs(), static_cast<int64_t>(soon.until_ns));
  weft_task_destroy(task);

  Wait never = {UINT64_MAX, {}};
  task = Make(code, &never);
  Attach(task);
  EXPECT_EQ(Poll(), 1);
  EXPECT_EQ(weft_task_cancel(task).value, 1);
  RunUntilDone(task);
  EXPECT_EQ(never.came.code, WEFT_CANCELLED);
  weft_task_destroy(task);
}

weft_result SleepLong(weft_context* context, void* /*user*/) {
  const weft_result slept = weft_suspend_for_duration(context, UINT64_MAX);
  if (weft_should_stop(context).value != 1) return weft_failure(WEFT_FIRST_OWN, "not asked");
  return slept;
}

TEST_F(CAbiTest, QuiesceTellsHowManyAreLeftAndMayBeCalledAgain) {
  weft_task* one = Make(&SleepLong);
  weft_task* two = Make(&SleepLong);
  Attach(one);
  Attach(two);
  EXPECT_EQ(Poll(), 2);
  EXPECT_EQ(weft_executor_quiesce(executor_, 0).value, 2) << "asked to stop, and not turned";
  EXPECT_EQ(weft_executor_quiesce(executor_, 10'000'000'000).value, 0);
  EXPECT_EQ(weft_task_result(one).code, WEFT_CANCELLED);
  weft_task_destroy(one);
  weft_task_destroy(two);
}

TEST_F(CAbiTest, WhatIsUnderWayIsNotDestroyedNorChangedAndIsCancelled) {
  weft_task* task = Make(&SleepLong);
  Attach(task);
  EXPECT_EQ(Poll(), 1);
  EXPECT_EQ(weft_task_attach(executor_, task).code, WEFT_BUSY);
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_BUSY);
  EXPECT_EQ(weft_task_set(task, nullptr).code, WEFT_BUSY);
  const weft_result busy = weft_executor_destroy(executor_);
  EXPECT_EQ(busy.code, WEFT_BUSY);
  EXPECT_EQ(busy.value, 1);
  std::thread([&] { EXPECT_EQ(weft_task_cancel(task).value, 1); }).join();
  RunUntilDone(task);
  EXPECT_EQ(weft_task_result(task).code, WEFT_CANCELLED);
  EXPECT_EQ(weft_task_cancel(task).value, 0);
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, WhatIsCancelledBeforeItBeginsNeverDoes) {
  int count = 0;
  weft_task* task = Make(&AddOne, &count);
  Attach(task);
  EXPECT_EQ(weft_task_cancel(task).value, 1);
  EXPECT_EQ(Poll(), 1);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(weft_task_result(task).code, WEFT_CANCELLED);
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, HigherPriorityRunsFirst) {
  std::string order;
  struct Named {
    std::string* order;
    char name;
  };
  const auto code = [](weft_context* /*context*/, void* user) {
    *static_cast<Named*>(user)->order += static_cast<Named*>(user)->name;
    return weft_success(0);
  };
  Named low = {&order, 'l'};
  Named normal = {&order, 'n'};
  Named high = {&order, 'h'};
  weft_task* tasks[] = {Make(code, &low, WEFT_PRIORITY_LOW), Make(code, &normal),
                        Make(code, &high, WEFT_PRIORITY_HIGH)};
  for (weft_task* task : tasks) Attach(task);
  EXPECT_EQ(Poll(2), 2);
  EXPECT_EQ(order, "hn");
  EXPECT_EQ(Poll(2), 1);
  EXPECT_EQ(order, "hnl");
  // Another, from the next run on.
  weft_task_attr attr = {};
  attr.code = code;
  attr.user = &low;
  attr.cpu_priority = WEFT_PRIORITY_HIGH;
  EXPECT_EQ(weft_task_set(tasks[0], &attr).code, WEFT_OK);
  order.clear();
  for (weft_task* task : {tasks[1], tasks[0]}) Attach(task);
  EXPECT_EQ(Poll(2), 2);
  EXPECT_EQ(order, "ln");
  for (weft_task* task : tasks) weft_task_destroy(task);
}

TEST_F(CAbiTest, TimesTellWhereTheyWent) {
  weft_task* task = Make([](weft_context* context, void* /*user*/) {
    return weft_suspend_for_duration(context, 2'000'000);
  });
  weft_task_times times = {};
  EXPECT_EQ(weft_task_get_times(task, &times).code, WEFT_OK);
  EXPECT_EQ(times.ticks_begun, 0U);
  EXPECT_EQ(times.size, sizeof(times));
  times.size = 4;
  EXPECT_EQ(weft_task_get_times(task, &times).code, WEFT_INVALID_ARGUMENT);
  times.size = 0;
  Attach(task);
  RunUntilDone(task);
  ASSERT_EQ(weft_task_get_times(task, &times).code, WEFT_OK);
  EXPECT_LE(times.ns_attached, times.ns_begun);
  EXPECT_LE(times.ns_begun, times.ns_suspended);
  EXPECT_GE(times.ns_resumed - times.ns_suspended, 1'900'000);
  EXPECT_LE(times.ns_resumed, times.ns_done);
  EXPECT_LT(times.ticks_attached, times.ticks_done);
  EXPECT_EQ(times.ticks_executing,
            times.ticks_done - times.ticks_begun - (times.ticks_resumed - times.ticks_suspended));
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, ATaskAwaitsAnother) {
  struct Pair {
    weft_task* other = nullptr;
    bool is_awaited = false;
  } pair;
  pair.other = Make(
      [](weft_context* context, void* user) {
        while (!static_cast<Pair*>(user)->is_awaited) weft_suspend_for_duration(context, 10'000);
        return weft_success(42);
      },
      &pair);
  weft_task* waiter = Make(
      [](weft_context* context, void* user) {
        auto& own = *static_cast<Pair*>(user);
        EXPECT_EQ(weft_await_task(context, weft_context_task(context), 1).code, WEFT_BUSY);
        EXPECT_EQ(weft_await_task(context, own.other, 1'000).code, WEFT_TIMED_OUT);
        own.is_awaited = true;
        return weft_await_task(context, own.other, UINT64_MAX);
      },
      &pair);
  Attach(pair.other);
  Attach(waiter);
  RunUntilDone(waiter);
  EXPECT_EQ(weft_task_result(waiter).value, 42);
  weft_task_destroy(waiter);
  weft_task_destroy(pair.other);
}

TEST_F(CAbiTest, ATaskIsKeptForWhoAwaitsIt) {
  weft_task* sleeper = Make([](weft_context* context, void* /*user*/) {
    return weft_suspend_for_duration(context, 1'000'000);
  });
  weft_task* waiter = Make(
      [](weft_context* context, void* user) {
        return weft_await_task(context, static_cast<weft_task*>(user), UINT64_MAX);
      },
      sleeper);
  Attach(sleeper);
  Attach(waiter);
  while (weft_task_is_done(sleeper).value == 0) weft_executor_run(executor_, 1, nullptr);
  if (weft_task_is_done(waiter).value == 0) {
    EXPECT_EQ(weft_task_destroy(sleeper).code, WEFT_BUSY) << "the other has not looked yet";
    EXPECT_EQ(weft_task_attach(executor_, sleeper).code, WEFT_BUSY);
  }
  RunUntilDone(waiter);
  EXPECT_EQ(weft_task_result(waiter).code, WEFT_OK);
  EXPECT_EQ(weft_task_destroy(sleeper).code, WEFT_OK);
  EXPECT_EQ(weft_task_destroy(waiter).code, WEFT_OK);
}

TEST_F(CAbiTest, ACancelRacesWithALookAtTheResult) {
  for (int round = 0; round < 200; ++round) {
    int count = 0;
    weft_task* task = Make(&AddOne, &count);
    Attach(task);
    std::thread canceller([&] { weft_task_cancel(task); });
    RunUntilDone(task);
    const int32_t code = weft_task_result(task).code;
    EXPECT_TRUE(code == WEFT_OK || code == WEFT_CANCELLED) << code;
    EXPECT_EQ(weft_task_result(task).code, code);
    canceller.join();
    EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
  }
}

TEST_F(CAbiTest, AForeignContextIsRefused) {
  struct Pair {
    weft_context* first = nullptr;
    bool is_seen = false;
    weft_task* task = nullptr;
  } pair;
  pair.task = Make(
      [](weft_context* context, void* user) {
        auto& shared = *static_cast<Pair*>(user);
        shared.first = context;
        std::thread([&] {
          EXPECT_EQ(weft_yield(context).code, WEFT_FOREIGN_CONTEXT);
          EXPECT_EQ(weft_should_stop(context).code, WEFT_FOREIGN_CONTEXT);
        }).join();
        while (!shared.is_seen) weft_yield(context);
        return weft_yield(context);
      },
      &pair);
  Attach(pair.task);
  EXPECT_EQ(Poll(1), 1);
  EXPECT_EQ(weft_yield(pair.first).code, WEFT_FOREIGN_CONTEXT) << "no task runs";
  weft_task* other = Make(
      [](weft_context* context, void* user) {
        auto& shared = *static_cast<Pair*>(user);
        EXPECT_EQ(weft_yield(shared.first).code, WEFT_FOREIGN_CONTEXT) << "it is suspended";
        shared.is_seen = true;
        while (weft_task_is_done(shared.task).value == 0) weft_yield(context);
        EXPECT_EQ(weft_now(shared.first).code, WEFT_FOREIGN_CONTEXT) << "it has ended";
        return weft_yield(context);
      },
      &pair);
  Attach(other);
  RunUntilDone(other);
  EXPECT_EQ(weft_task_result(pair.task).code, WEFT_OK);
  EXPECT_EQ(weft_task_result(other).code, WEFT_OK);
  EXPECT_EQ(weft_task_destroy(other).code, WEFT_OK);
  EXPECT_EQ(weft_task_destroy(pair.task).code, WEFT_OK);
}

TEST_F(CAbiTest, AnExceptionOfItsCodeIsItsResult) {
  weft_task* task = Make([](weft_context* /*context*/, void* /*user*/) -> weft_result {
    throw std::runtime_error("broken");
  });
  Attach(task);
  RunUntilDone(task);
  const weft_result result = weft_task_result(task);
  EXPECT_EQ(result.code, WEFT_TASK_FAILED);
  EXPECT_STREQ(result.message, "the task threw: broken");
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, FilesGoThroughTheRing) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  int descriptor = fileno(file);
  weft_task* task = Make(
      [](weft_context* context, void* user) {
        const int fd = *static_cast<int*>(user);
        char text[16] = {};
        EXPECT_EQ(weft_write(context, fd, "through", 7, 0).value, 7);
        EXPECT_EQ(weft_fsync(context, fd).code, WEFT_OK);
        EXPECT_EQ(weft_read(context, fd, text, sizeof(text), 0).value, 7);
        EXPECT_STREQ(text, "through");
        const weft_result wrong = weft_read(context, -1, text, 1, 0);
        EXPECT_EQ(wrong.code, WEFT_IO_ERROR);
        EXPECT_EQ(wrong.value, EBADF);
        return weft_success(0);
      },
      &descriptor);
  Attach(task);
  RunUntilDone(task);
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
  std::fclose(file);
}

TEST_F(CAbiTest, AnExecutorBelongsToItsThread) {
  std::thread([&] {
    EXPECT_EQ(weft_executor_run(executor_, 1, &kAtOnce).code, WEFT_WRONG_THREAD);
    EXPECT_EQ(weft_executor_destroy(executor_).code, WEFT_WRONG_THREAD);
    EXPECT_EQ(weft_executor_quiesce(executor_, 0).code, WEFT_WRONG_THREAD);
  }).join();
}

TEST_F(CAbiTest, TasksMoveBetweenExecutorsOfDifferentThreads) {
  int count = 0;
  weft_task* task = Make(&AddOne, &count);
  Attach(task);
  RunUntilDone(task);
  std::thread([&] {
    weft_executor* other = nullptr;
    ASSERT_EQ(weft_executor_create(&other, nullptr).code, WEFT_OK);
    EXPECT_EQ(weft_task_attach(other, task).code, WEFT_OK);
    EXPECT_EQ(weft_executor_run(other, 1, nullptr).value, 1);
    EXPECT_EQ(weft_task_attach(executor_, task).code, WEFT_OK) << "and back, from afar";
    EXPECT_EQ(weft_executor_destroy(other).code, WEFT_OK);
  }).join();
  RunUntilDone(task);
  EXPECT_EQ(weft_task_result(task).value, 3);
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
}

TEST_F(CAbiTest, AWakeEndsAWait) {
  std::thread other([&] { EXPECT_EQ(weft_executor_wake(executor_).code, WEFT_OK); });
  EXPECT_EQ(weft_executor_run(executor_, 1, nullptr).value, 0);
  other.join();
}

TEST_F(CAbiTest, ALongMessageIsCut) {
  const std::string text(500, 'x');
  const weft_result result = weft_failure(WEFT_FIRST_OWN, text.c_str());
  EXPECT_EQ(std::strlen(result.message), sizeof(result.message) - 1);
}

TEST(CAbi, TellsItsVersion) {
  EXPECT_EQ(weft_abi_version(), static_cast<uint32_t>(WEFT_ABI_VERSION));
  EXPECT_STRNE(weft_version(), "");
}

}  // namespace
