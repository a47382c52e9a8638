// Proves what only shows in large numbers. One core holds a hundred thousand suspended tasks, each
// on a stack of its own, ends them all, and gives their memory back: fewer, with the reason
// printed, where the kernel or the build allows no more; skipped where memory is short. A million
// timers in one wheel fire once each, in time. What a task is said to have executed is what it
// measured itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/core_fixture.h"
#include "core/timer_wheel.h"
#include "sys/clock.h"
#include "sys/memory.h"
#include "sys/prod_env.h"

namespace weft {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr uint32_t kMost = 1'000;
constexpr const char* kWhyFewer = "ThreadSanitizer knows no more than 8,000 fibers";
#else
constexpr uint32_t kMost = 100'000;
constexpr const char* kWhyFewer = "";
#endif
constexpr uint32_t kMostWithoutMarkers = 30'000;
// Two pages of stack, a slot and its outputs, and what sanitizers keep beside them.
constexpr uint64_t kBytesPerTask = 32 * 1024;

uint64_t ValueOf(const char* file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string word; lines >> word;) {
    uint64_t kilobytes = 0;
    if (word == name && lines >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

uint64_t ResidentBytes() { return ValueOf("/proc/self/status", "VmRSS:"); }

TEST_F(CoreTest, SuspendsAHundredThousandTasksAtOnce) {
  const bool has_markers = sys::HasGuardMarkers();
  const uint32_t count = has_markers ? kMost : std::min(kMost, kMostWithoutMarkers);
  if (count < 100'000) {
    std::cout << count
              << " tasks: " << (has_markers ? kWhyFewer : "guards take mappings before Linux 6.13")
              << "\n";
  }
  if (ValueOf("/proc/meminfo", "MemAvailable:") < count * kBytesPerTask) {
    GTEST_SKIP() << "less than " << count * kBytesPerTask << " bytes of memory are available";
  }
  Build([count](CoreOptions& options) {
    options.max_queue_depth = 1;
    options.local_slots = count;
    options.stacks = count;
    options.stacks_kept = 100;
    options.idle = IdlePolicy::kSleep;
  });
  const uint64_t before = ResidentBytes();
  const TaskEntry* const entry = Suspending([](TaskContext& context) {
    context.SleepFor(1'000'000'000);
    return TaskOutcome::kSucceeded;
  });
  for (uint32_t i = 0; i < count; ++i) {
    ASSERT_EQ(core_->Spawn(*entry, {}, Priority::kNormal), SpawnAnswer::kSpawned);
  }
  while (core_->Turn()) {
  }
  const CoreStats& stats = core_->stats();
  EXPECT_EQ(stats.suspensions.value(), count);
  EXPECT_EQ(stats.stacks_in_use.value(), count);
  EXPECT_EQ(stats.stack_waits.value(), 0u);
  const uint64_t bytes = (ResidentBytes() - before) / count;
  std::cout << bytes << " bytes of memory for each suspended task\n";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LE(bytes, 8192U);
#endif
  now_ += 2'000'000'000;
  while (core_->Turn()) {
  }
  EXPECT_EQ(stats.executed(), count);
  EXPECT_EQ(stats.stacks_in_use.value(), 0);
  EXPECT_EQ(stats.violations.value(), 0u);
  for (uint32_t i = 0; i < count; ++i) core_->Idle();
  EXPECT_EQ(stats.stacks_committed.value(), 100);
  ExpectConserved();
}

TEST(TimerWheel, FiresEachOfAMillionTimersOnceAndInTime) {
  constexpr uint32_t kCount = 1'000'000;
  constexpr sys::Ticks kSpan = 4'000'000'000;
  constexpr int kSteps = 1'000;
  const auto tasks = std::make_unique<LiveTask[]>(kCount);
  sys::Ticks now = 1'000;
  TimerWheel wheel({tasks.get(), kCount}, now);
  std::mt19937_64 random(1);
  std::vector<uint8_t> fired(kCount);
  for (uint32_t slot = 0; slot < kCount; ++slot) {
    tasks[slot].slot = slot;
    wheel.Arm(&tasks[slot], now + static_cast<sys::Ticks>(random() % kSpan));
  }
  uint32_t disarmed = 0;
  for (uint32_t slot = 0; slot < kCount;
       slot += 1 + static_cast<uint32_t>(random() % 8), ++disarmed) {
    wheel.Disarm(&tasks[slot]);
    fired[slot] = 1;
  }
  EXPECT_EQ(wheel.armed(), kCount - disarmed);
  // A due time is rounded up to a unit of the wheel, so a timer may be a unit late.
  constexpr sys::Ticks kUnit = sys::Ticks{1} << TimerWheel::kUnitShift;
  uint32_t early = 0;
  uint32_t late = 0;
  for (int step = 0; step <= kSteps; ++step) {
    const sys::Ticks before = now;
    now += kSpan / kSteps + kUnit;
    while (LiveTask* const task = wheel.PopDue(now)) {
      ++fired[task->slot];
      early += task->timer_due > now;
      late += task->timer_due <= before - kUnit;
    }
  }
  EXPECT_EQ(wheel.armed(), 0u);
  EXPECT_EQ(std::count(fired.begin(), fired.end(), 1), kCount);
  EXPECT_EQ(early, 0u);
  EXPECT_EQ(late, 0u);
}

// Holds the core by the clock's own readings, and adds them up.
TaskOutcome SpinTwice(void* measured, TaskContext& context) {
  for (int part = 0; part < 2; ++part) {
    const sys::Ticks begin = sys::ReadTicks();
    sys::Ticks now = begin;
    while (now - begin < 500'000) now = sys::ReadTicks();
    *static_cast<sys::Ticks*>(measured) += now - begin;
    if (part == 0) context.SleepFor(1'000);
  }
  return TaskOutcome::kSucceeded;
}

// Of many runs the middle one: a machine with other work takes the CPU between two readings.
TEST(CoreLedger, TellsWhatASpinMeasuredItselfWithinTwoPercent) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer's own work lies between the two readings";
#endif
  constexpr uint32_t kRuns = 101;
  sys::Clock clock;
  Doorbell doorbell;
  CoreOptions options;
  options.handler_count = 1;
  Core<sys::ProdEnv> core(options, sys::ProdEnv(clock.anchor()), doorbell);
  ASSERT_TRUE(core.Prepare().ok());
  std::vector<double> ratios;
  for (uint32_t run = 0; run < kRuns; ++run) {
    sys::Ticks measured = 0;
    TaskEntry entry;
    entry.run = &SpinTwice;
    entry.state = &measured;
    Message message;
    message.slot = run;
    message.id = TaskId::Make(0, 1 + run);
    message.entry = &entry;
    message.submitted = sys::ReadTicks();
    ASSERT_EQ(core.Post({&message, 1}), 1u);
    Completion end;
    while (core.Drain({&end, 1}) == 0) core.Turn();
    ASSERT_EQ(end.state, TaskState::kSucceeded);
    const sys::Ticks executing = end.completed - end.started - end.suspended;
    EXPECT_GE(executing, measured);
    EXPECT_GT(end.suspended, 0);
    ratios.push_back(static_cast<double>(executing) / static_cast<double>(measured));
  }
  std::nth_element(ratios.begin(), ratios.begin() + kRuns / 2, ratios.end());
  std::cout << "executing / measured by the task: " << ratios[kRuns / 2] << "\n";
  EXPECT_LT(ratios[kRuns / 2], 1.02);
}

}  // namespace
}  // namespace weft
