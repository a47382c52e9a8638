#include "dispatch/task_times.h"

#include <random>

#include <gtest/gtest.h>

namespace weft {
namespace {

// 2.1 ticks a nanosecond, so that conversions round.
sys::ClockAnchor Anchor() {
  sys::ClockAnchor anchor;
  anchor.ticks = 1'000;
  anchor.unix_ns = 1'700'000'000'000'000'000;
  anchor.multiplier = static_cast<uint64_t>(static_cast<double>(anchor.multiplier) / 2.1);
  return anchor;
}

struct Stamps {
  sys::Ticks submitted = 0, started = 0, completed = 0, suspended = 0;
  sys::Ticks deadline = kNoDeadline;
};

TaskResult Convert(const Stamps& stamps, TimesVerdict* verdict,
                   TaskState state = TaskState::kSucceeded, TaskStart start = TaskStart::kBegan) {
  DoorTask task;
  task.anchor = Anchor();
  task.submitted = stamps.submitted;
  task.deadline = stamps.deadline;
  Completion ended;
  ended.state = state;
  ended.start = start;
  ended.started = stamps.started;
  ended.completed = stamps.completed;
  ended.suspended = stamps.suspended;
  TaskResult result;
  SetTimes(task, ended, &result, verdict);
  return result;
}

void ExpectExact(const TaskResult& result) {
  EXPECT_GE(result.queue_latency_ns, 0);
  EXPECT_GE(result.execution_latency_ns, 0);
  EXPECT_EQ(result.queue_latency_ns, result.started_at_ns - result.submitted_at_ns);
  EXPECT_EQ(result.execution_latency_ns, result.completed_at_ns - result.started_at_ns);
  EXPECT_EQ(result.total_latency_ns, result.queue_latency_ns + result.execution_latency_ns);
  EXPECT_LE(result.suspended_ns, result.execution_latency_ns);
}

TEST(TaskTimes, AddUpExactlyForAnyStamps) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 10'000; ++i) {
    Stamps stamps;
    stamps.submitted = static_cast<sys::Ticks>(random() % 1'000'000'000'000);
    stamps.started = stamps.submitted + static_cast<sys::Ticks>(random() % 1'000);
    stamps.completed = stamps.started + static_cast<sys::Ticks>(random() % 1'000);
    stamps.suspended =
        static_cast<sys::Ticks>(random() % 1'000) % (stamps.completed - stamps.started + 1);
    TimesVerdict verdict;
    ExpectExact(Convert(stamps, &verdict));
    EXPECT_FALSE(verdict.clamped || verdict.order_broken || verdict.deadline_broken);
  }
}

TEST(TaskTimes, TellHowMuchOfALongRunHadNoCpuAndOfOthersNothing) {
  DoorTask task;
  task.anchor = Anchor();
  task.submitted = 1'000;
  Completion ended;
  ended.start = TaskStart::kBegan;
  ended.started = 2'000;
  ended.completed = 2'102'000;
  TaskResult result;
  TimesVerdict verdict;
  SetTimes(task, ended, &result, &verdict);
  EXPECT_FALSE(verdict.order_broken);
  EXPECT_EQ(result.off_core_ns, TaskResult::kNotTold);
  ended.off_core = TimeShare::Of(250'000, 1'000'000);
  SetTimes(task, ended, &result, &verdict);
  EXPECT_NEAR(static_cast<double>(result.off_core_ns), 250'000, 20);
  EXPECT_GE(result.off_core_ns, 250'000) << "an upper bound stays one";
  ended.off_core = TimeShare::Of(0, 1'000'000);
  SetTimes(task, ended, &result, &verdict);
  EXPECT_EQ(result.off_core_ns, 0) << "told, unlike above";
  ended.off_core = TimeShare::Of(1'000'000, 1'000'000);
  ended.suspended = 2'100'000 / 4;
  SetTimes(task, ended, &result, &verdict);
  EXPECT_EQ(result.off_core_ns, result.execution_latency_ns - result.suspended_ns);
}

TEST(TaskTimes, ClampAStartBeforeTheSubmission) {
  TimesVerdict verdict;
  const TaskResult result =
      Convert({.submitted = 5'000, .started = 4'000, .completed = 9'000}, &verdict);
  EXPECT_TRUE(verdict.clamped);
  EXPECT_FALSE(verdict.order_broken);
  EXPECT_EQ(result.queue_latency_ns, 0);
  ExpectExact(result);
}

TEST(TaskTimes, TellAnEndBeforeTheStart) {
  TimesVerdict verdict;
  const TaskResult result =
      Convert({.submitted = 1'000, .started = 4'000, .completed = 3'999}, &verdict);
  EXPECT_TRUE(verdict.order_broken);
  ExpectExact(result);
}

TEST(TaskTimes, TellASuspensionLongerThanTheRun) {
  TimesVerdict verdict;
  ExpectExact(Convert(
      {.submitted = 1'000, .started = 2'000, .completed = 3'000, .suspended = 1'001}, &verdict));
  EXPECT_TRUE(verdict.order_broken);
}

TEST(TaskTimes, OfATaskThatNeverStartedAreAllQueue) {
  TimesVerdict verdict;
  const TaskResult result = Convert({.submitted = 1'000, .completed = 3'100}, &verdict,
                                    TaskState::kCancelled, TaskStart::kNone);
  EXPECT_EQ(result.started_at_ns, 0);
  EXPECT_EQ(result.execution_latency_ns, 0);
  EXPECT_EQ(result.queue_latency_ns, result.total_latency_ns);
  EXPECT_EQ(result.total_latency_ns, result.completed_at_ns - result.submitted_at_ns);
  EXPECT_NEAR(static_cast<double>(result.total_latency_ns), 1'000, 1);
}

TEST(TaskTimes, TellAStartAfterTheDeadlineAndAnEarlyExpiry) {
  TimesVerdict verdict;
  Convert({.submitted = 1, .started = 101, .completed = 102, .deadline = 100}, &verdict);
  EXPECT_TRUE(verdict.deadline_broken);
  Convert({.submitted = 1, .completed = 99, .deadline = 100}, &verdict, TaskState::kExpired,
          TaskStart::kNone);
  EXPECT_TRUE(verdict.deadline_broken);
  Convert({.submitted = 1, .completed = 100, .deadline = 100}, &verdict, TaskState::kExpired,
          TaskStart::kInVain);
  EXPECT_FALSE(verdict.deadline_broken);
  Convert({.submitted = 1, .started = 50, .completed = 300, .deadline = 100}, &verdict);
  EXPECT_FALSE(verdict.deadline_broken);
}

}  // namespace
}  // namespace weft
