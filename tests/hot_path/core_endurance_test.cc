// Proves that a core does not grow with the tasks it has run: resident memory before and after, for
// tasks of every kind that needs no file, on a core as weftd runs it. WEFT_TEST_TASKS says how many
// (default a million); a run by hand with the release build takes 100'000'000 and more:
//   WEFT_TEST_TASKS=1000000000 build/release/bin/weft_core_endurance_test
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "driven_core.h"

namespace weft {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kTasks = 20'000;
constexpr bool kHasShadow = true;  // What the sanitizer keeps of what was touched grows, too.
#else
constexpr uint64_t kTasks = 1'000'000;
constexpr bool kHasShadow = false;
#endif
// Each buffer and stack is in use by then.
constexpr uint64_t kFirstTasks = 20'000;
// A thousandth of a byte a task at a thousand million; the rest is what a process touches anyway,
// such as pages of its own code.
constexpr int64_t kMostGrowth = 1 << 20;

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0;
  int64_t resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

uint64_t TaskCount() {
  const char* const given = std::getenv("WEFT_TEST_TASKS");
  return given == nullptr ? kTasks : std::strtoull(given, nullptr, 10);
}

TaskOutcome Succeed(void*, TaskContext&) { return TaskOutcome::kSucceeded; }
TaskOutcome WriteOutput(void*, TaskContext& context) {
  context.output() = context.payload();
  return TaskOutcome::kSucceeded;
}
TaskOutcome Fail(void*, TaskContext& context) { return context.Fail("as it was asked to do"); }
TaskOutcome TakeTurns(void*, TaskContext& context) {
  return context.Yield() == WakeReason::kElapsed ? TaskOutcome::kSucceeded : context.Stop();
}
TaskOutcome Nap(void*, TaskContext& context) {
  return context.SleepFor(2'000) == WakeReason::kElapsed ? TaskOutcome::kSucceeded : context.Stop();
}

TaskEntry EntryOf(TaskOutcome (*run)(void*, TaskContext&), bool never_suspends) {
  TaskEntry entry;
  entry.run = run;
  entry.never_suspends = never_suspends;
  return entry;
}

TEST(CoreEndurance, KeepsItsMemoryHoweverManyTasksItRan) {
  const TaskEntry plain = EntryOf(&Succeed, true);
  const TaskEntry fiber = EntryOf(&Succeed, false);
  const TaskEntry writes = EntryOf(&WriteOutput, false);
  const TaskEntry fails = EntryOf(&Fail, true);
  const TaskEntry turns = EntryOf(&TakeTurns, false);
  const TaskEntry nap = EntryOf(&Nap, false);
  const std::string payload(600, 'x');
  const DrivenTask kinds[] = {
      {.entry = &plain},
      {.entry = &fiber, .priority = Priority::kHigh},
      {.entry = &writes, .payload = payload, .priority = Priority::kLow},
      {.entry = &plain, .timeout = 1'000'000'000'000},
      {.entry = &turns},
      {.entry = &fails},
      {.entry = &fiber, .is_cancelled = true},
      {.entry = &plain, .timeout = -1},
  };
  const DrivenTask naps{.entry = &nap};
  // Naps are rare: they take real time.
  const auto pick = [&](uint64_t serial) {
    return serial % 1'000 == 7 ? naps : kinds[serial % std::size(kinds)];
  };
  CoreOptions options;
  options.max_queue_depth = 512;
  options.handler_count = 1;
  DrivenCore driven;
  ASSERT_TRUE(driven.Start(options, nullptr).ok());
  driven.Run(kFirstTasks, pick);
  const uint64_t count = TaskCount();
  const int64_t before = ResidentBytes();
  const auto began = std::chrono::steady_clock::now();
  driven.Run(count, pick);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const int64_t after = ResidentBytes();
  std::cout << count << " tasks in " << took.count() << " s, resident " << before
            << " bytes before and " << after << " after\n";
  if (!kHasShadow) {
    EXPECT_LE(after - before, kMostGrowth);
  }
  driven.core().Stop();
  const CoreStats& stats = driven.core().stats();
  uint64_t ended = 0;
  for (const Counter& state : stats.ended) ended += state.value();
  EXPECT_EQ(ended, kFirstTasks + count);
  EXPECT_EQ(stats.submitted.value(), ended);
  EXPECT_EQ(stats.live.value(), 0);
  EXPECT_EQ(stats.violations.value(), 0u);
}

}  // namespace
}  // namespace weft
