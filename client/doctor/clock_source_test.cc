#include "client/doctor/clock_source.h"

#include <gtest/gtest.h>

#include "client/doctor/expectations.h"
#include "client/doctor/fixture_tree.h"

// Proves what is said of each clock.
namespace weft::doctor {
namespace {

constexpr ClockReading kSteady = {.has_tsc = true,
                                  .has_constant = true,
                                  .has_nonstop = true,
                                  .source = {},
                                  .tsc_read_ns = 8,
                                  .kernel_read_ns = 20};

ClockReading With(bool has_constant, bool has_nonstop, int64_t kernel_read_ns) {
  ClockReading reading = kSteady;
  reading.has_constant = has_constant;
  reading.has_nonstop = has_nonstop;
  reading.kernel_read_ns = kernel_read_ns;
  return reading;
}

TEST(JudgeClock, IsOkWithASteadyTsc) {
  ExpectCheck(JudgeClock(kSteady), Level::kOk, "TSC steady, 8 ns");
}

TEST(JudgeClock, WarnsOfATscThatTheKernelDoesNotTrust) {
  ExpectCheck(JudgeClock(With(true, true, 1'200)), Level::kWarning, "unstable", "dmesg");
}

TEST(JudgeClock, WarnsOfATscThatChangesOrStops) {
  ExpectCheck(JudgeClock(With(false, true, 20)), Level::kWarning, "changes its rate", "invtsc");
  ExpectCheck(JudgeClock(With(true, false, 20)), Level::kWarning, "may stop", "invtsc");
}

TEST(JudgeClock, WarnsOfASlowKernelClockOnly) {
  EXPECT_EQ(JudgeClock({.source = "arch_sys_counter", .kernel_read_ns = 30}).level, Level::kOk);
  ExpectCheck(JudgeClock({.source = "hpet", .kernel_read_ns = 900}), Level::kWarning,
              "clocksource hpet", "available_clocksource");
}

TEST(ReadClock, TakesFlagsAndSource) {
  FixtureTree tree;
  tree.Put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc constant_tsc\n")
      .Put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  const ClockReading reading = ReadClock(tree.root());
  EXPECT_TRUE(reading.has_tsc);
  EXPECT_TRUE(reading.has_constant);
  EXPECT_FALSE(reading.has_nonstop);
  EXPECT_EQ(reading.source, "hpet");
  EXPECT_GE(reading.kernel_read_ns, 0);
}

}  // namespace
}  // namespace weft::doctor
