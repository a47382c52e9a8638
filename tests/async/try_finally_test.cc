// What cleans up runs to its end, whatever ended what went before.
#include "async/try_finally.h"

#include <stdexcept>
#include <string>

#include "async_fixture.h"
#include "executor/task_io.h"

namespace weft {
namespace {

using TryFinallyTest = AsyncTest;

TEST_F(TryFinallyTest, CleansUpBehindAValueAndBehindAnException) {
  std::string order;
  Go([&](TaskContext& context) {
    const int value = TryFinally(
        context,
        [&] {
          order += "main ";
          return 4;
        },
        [&] { order += "cleanup "; });
    EXPECT_EQ(value, 4);
    try {
      TryFinally(
          context, [] { throw std::runtime_error("broken"); },
          [&] {
            context.SleepFor(1'000'000);
            order += "cleanup ";
          });
    } catch (const std::runtime_error& error) {
      order += error.what();
    }
  });
  Settle();
  EXPECT_EQ(order, "main cleanup ");
  Advance(2'000'000);
  EXPECT_EQ(order, "main cleanup cleanup broken");
}

TEST_F(TryFinallyTest, TheCleanupOfACancelledTaskSuspendsAndIsNotCutShort) {
  std::string order;
  auto handle = Spawn(host(), [&](TaskContext& context) {
    TryFinally(
        context,
        [&] {
          order += context.SleepFor(1'000'000'000) == WakeReason::kCancelled ? "cancelled " : "?";
        },
        [&] {
          EXPECT_FALSE(context.ShouldStop());
          EXPECT_EQ(context.Yield(), WakeReason::kElapsed);
          EXPECT_EQ(context.SleepFor(1'000'000), WakeReason::kElapsed);
          order += "clean ";
        });
    EXPECT_TRUE(context.ShouldStop()) << "the cancel still stands";
    EXPECT_EQ(context.SleepFor(1), WakeReason::kCancelled);
  });
  Settle();
  handle->Abort();
  Settle();
  EXPECT_EQ(order, "cancelled ");
  handle->Abort();  // In the midst of the cleanup.
  Settle();
  EXPECT_EQ(order, "cancelled ");
  Advance(2'000'000);
  EXPECT_EQ(order, "cancelled clean ");
  EXPECT_TRUE(handle->has_ended());
}

TEST_F(TryFinallyTest, AFileOperationOfACleanupIsNotCutShort) {
  int64_t result = 0;
  auto handle = Spawn(host(), [&](TaskContext& context) {
    TryFinally(
        context, [&] { context.SleepFor(1'000'000'000); },
        [&] {
          char byte = 0;
          result = TaskIo(context).Read(3, {&byte, 1}, 0);
        });
  });
  Settle();
  handle->Abort();
  Settle();
  ASSERT_EQ(system_.under_way.size(), 1U) << "it begins, though the task is to stop";
  handle->Abort();
  Settle();
  EXPECT_TRUE(system_.cancels.empty());
  system_.Complete(0, 1);
  Settle();
  EXPECT_EQ(result, 1);
  EXPECT_TRUE(handle->has_ended());
}

TEST_F(TryFinallyTest, ADeadlineThatPassesEndsNoCleanup) {
  std::string order;
  Submit(
      Suspending([&](TaskContext& context) {
        TryFinally(
            context,
            [&] { order += context.SleepFor(5'000'000) == WakeReason::kDeadline ? "late " : "?"; },
            [&] {
              EXPECT_EQ(context.SleepFor(3'000'000), WakeReason::kElapsed);
              order += "clean";
            });
        return context.Stop();
      }),
      Priority::kNormal, 1'000'000);
  Settle();
  Advance(1'500'000);
  EXPECT_EQ(order, "late ");
  Advance(1'500'000);
  EXPECT_EQ(order, "late ");
  Advance(2'000'000);
  EXPECT_EQ(order, "late clean");
  const auto ended = Drain();
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].state, TaskState::kExpired);
}

}  // namespace
}  // namespace weft
