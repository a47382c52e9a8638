#include "client/doctor/wake.h"

#include <gtest/gtest.h>
#include <sched.h>

#include "client/doctor/expectations.h"

// Proves what is said of each cost, and that measuring leaves the caller where it was. How much a
// wake-up costs here is not for a test to say.
namespace weft::doctor {
namespace {

TEST(JudgeWake, WarnsOfSlowOnes) {
  ExpectCheck(JudgeWake({25'000, 60'000, 150}), Level::kOk, "after 25.0 µs (p99 60.0 µs)");
  ExpectCheck(JudgeWake({50'001, 60'000, 150}), Level::kWarning, "50.0 µs", "executor.idle");
  ExpectCheck(JudgeWake({}), Level::kWarning, "could not be measured", "again");
}

TEST(JudgeHandOver, WarnsOfSlowOnes) {
  ExpectCheck(JudgeHandOver({25'000, 60'000, 150}), Level::kOk, "after 150 ns");
  ExpectCheck(JudgeHandOver({25'000, 60'000, 2'001}), Level::kWarning, "2.0 µs", "isolcpus");
  ExpectCheck(JudgeHandOver({}), Level::kOk, "two CPUs");
}

TEST(MeasureWake, LeavesTheCallersMaskAlone) {
  cpu_set_t before;
  cpu_set_t after;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  static_cast<void>(MeasureWake({0}));
  ASSERT_EQ(sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(MeasureWake, MeasuresNothingWithoutCpus) {
  EXPECT_EQ(MeasureWake({}).sleeping_p50_ns, 0);
  EXPECT_EQ(MeasureWake({0}).spinning_p50_ns, 0);
}

}  // namespace
}  // namespace weft::doctor
