#include "client/doctor/processors.h"

#include <gtest/gtest.h>

#include "client/doctor/expectations.h"
#include "client/doctor/fixture_tree.h"

// Proves what is said of CPUs few and many, governed, shared, stolen, and of huge pages.
namespace weft::doctor {
namespace {

TEST(Cpus, AreReadAsAllowedAndOnline) {
  FixtureTree tree;
  tree.Put("/proc/self/status", "Cpus_allowed:\tc\nCpus_allowed_list:\t2-3\n")
      .Put("/sys/devices/system/cpu/online", "0-7\n");
  const CpuReading reading = ReadCpus(tree.root());
  EXPECT_EQ(reading.allowed, (std::vector<int>{2, 3}));
  EXPECT_EQ(reading.online.size(), 8U);
}

TEST(JudgeCpus, WarnsOfASingleOne) {
  ExpectCheck(JudgeCpus({{0, 1}, {0, 1}}, "0-1"), Level::kOk, "2 (0-1)");
  ExpectCheck(JudgeCpus({{0, 1}, {0, 1, 2}}, "0-1"), Level::kOk, "of 3 online, cpuset 0-1");
  ExpectCheck(JudgeCpus({{3}, {0, 1, 2, 3}}, ""), Level::kWarning, "1 (3) of 4", "CPUAffinity");
  ExpectCheck(JudgeCpus({}, ""), Level::kWarning, "does not tell", "/proc");
}

TEST(Governors, AreCountedOverTheAllowedCpus) {
  FixtureTree tree;
  const std::string cpu = "/sys/devices/system/cpu/cpu";
  tree.Put(cpu + "0/cpufreq/scaling_governor", "powersave\n")
      .Put(cpu + "1/cpufreq/scaling_governor", "performance\n")
      .Put(cpu + "2/cpufreq/scaling_governor", "performance\n");
  EXPECT_EQ(ReadGovernors(tree.root(), {0, 1}),
            (GovernorReading{{"powersave", 1}, {"performance", 1}}));
  EXPECT_TRUE(ReadGovernors(tree.root(), {7}).empty());
}

TEST(JudgeGovernors, WantsPerformance) {
  ExpectCheck(JudgeGovernors({}), Level::kOk, "none");
  ExpectCheck(JudgeGovernors({{"performance", 2}}), Level::kOk, "performance on 2");
  ExpectCheck(JudgeGovernors({{"powersave", 1}, {"performance", 1}}), Level::kWarning,
              "performance on 1, powersave on 1", "cpupower");
}

TEST(Siblings, AreThoseOfTheAllowedCpusOnly) {
  FixtureTree tree;
  const std::string cpu = "/sys/devices/system/cpu/cpu";
  for (const int number : {0, 4}) {
    tree.Put(cpu + std::to_string(number) + "/topology/thread_siblings_list", "0,4\n");
  }
  tree.Put(cpu + "1/topology/thread_siblings_list", "1,5\n");
  EXPECT_EQ(ReadSiblings(tree.root(), {0, 1, 4}), (SiblingReading{{0, 4}}));
  ExpectCheck(JudgeSiblings({{0, 4}}), Level::kOk, "CPUs 0,4");
  ExpectCheck(JudgeSiblings({}), Level::kOk, "a core of its own");
}

TEST(CpuTimes, AreReadWithoutTheTimeOfGuests) {
  FixtureTree tree;
  tree.Put("/proc/stat", "cpu  1 2 3 4 5 6 7 8 900 900\ncpu0 1 1 1 1 1 1 1 1 0 0\n");
  const auto times = ReadCpuTimes(tree.root());
  ASSERT_TRUE(times.has_value());
  EXPECT_EQ(times->total, 36U);
  EXPECT_EQ(times->idle, 9U);
  EXPECT_EQ(times->stolen, 8U);
}

TEST(CpuTimes, AreNothingWhenTheFileIsOdd) {
  FixtureTree tree;
  EXPECT_EQ(ReadCpuTimes(tree.root()), std::nullopt);
  tree.Put("/proc/stat", "cpu  1 2 x 4 5 6 7 8 9\n");
  EXPECT_EQ(ReadCpuTimes(tree.root()), std::nullopt);
}

TEST(JudgeSteal, WarnsFromOnePercentOn) {
  const CpuTimes before{1000, 500, 10};
  ExpectCheck(JudgeSteal(before, CpuTimes{2000, 1250, 19}), Level::kOk, "0.9 %");
  ExpectCheck(JudgeSteal(before, CpuTimes{2000, 1250, 19}), Level::kOk, "25 % busy");
  ExpectCheck(JudgeSteal(before, CpuTimes{2000, 1000, 110}), Level::kWarning, "10.0 %",
              "dedicated");
  ExpectCheck(JudgeSteal(before, before), Level::kOk, "0.0 %");
  ExpectCheck(JudgeSteal(before, std::nullopt), Level::kWarning, "/proc/stat", "/proc");
}

TEST(HugePages, WarnOnlyWhenEveryFaultMayCompact) {
  FixtureTree tree;
  const std::string folder = "/sys/kernel/mm/transparent_hugepage/";
  EXPECT_TRUE(ReadHugePages(tree.root()).enabled.empty());
  tree.Put(folder + "enabled", "[always] madvise never\n")
      .Put(folder + "defrag", "always defer defer+madvise [madvise] never\n");
  const HugePageReading reading = ReadHugePages(tree.root());
  EXPECT_EQ(reading.enabled, "always");
  EXPECT_EQ(reading.defrag, "madvise");
  ExpectCheck(JudgeHugePages(reading), Level::kOk, "always, defrag: madvise");
  ExpectCheck(JudgeHugePages({"always", "always"}), Level::kWarning, "compact", "defrag");
  ExpectCheck(JudgeHugePages({}), Level::kOk, "not in this kernel");
}

}  // namespace
}  // namespace weft::doctor
