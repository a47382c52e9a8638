// Proves that one core holds a hundred thousand suspended tasks, each on a stack of its own, ends
// them all, and gives their memory back. Fewer, with the reason printed, where the kernel or the
// build allows no more; skipped where memory is short.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>

#include "core/core_fixture.h"
#include "sys/memory.h"

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
  for (uint32_t i = 0; i < count; ++i) ASSERT_TRUE(core_->Spawn(*entry, {}, Priority::kNormal));
  while (core_->Turn()) {
  }
  const CoreStats& stats = core_->stats();
  EXPECT_EQ(stats.suspensions.value(), count);
  EXPECT_EQ(stats.stacks_in_use.value(), count);
  EXPECT_EQ(stats.stack_waits.value(), 0u);
  std::cout << (ResidentBytes() - before) / count << " bytes of memory for each suspended task\n";
  now_ += 2'000'000'000;
  while (core_->Turn()) {
  }
  EXPECT_EQ(stats.executed.value(), count);
  EXPECT_EQ(stats.stacks_in_use.value(), 0);
  EXPECT_EQ(stats.violations.value(), 0u);
  for (uint32_t i = 0; i < count; ++i) core_->Idle();
  EXPECT_EQ(stats.stacks_committed.value(), 100);
  ExpectConserved();
}

}  // namespace
}  // namespace weft
