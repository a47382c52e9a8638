#include "client/doctor/control_group.h"

#include <gtest/gtest.h>

#include "client/doctor/expectations.h"
#include "client/doctor/fixture_tree.h"

// Proves that the least of a group and those above it counts, of both versions, also where the
// group's path is that of the host.
namespace weft::doctor {
namespace {

TEST(ReadControlGroup, TakesTheLeastOnTheWayUpInVersion2) {
  FixtureTree tree;
  tree.Put("/proc/self/cgroup", "0::/system.slice/weftd.service\n")
      .Put("/sys/fs/cgroup/system.slice/weftd.service/cpu.max", "max 100000\n")
      .Put("/sys/fs/cgroup/system.slice/weftd.service/memory.max", "1073741824\n")
      .Put("/sys/fs/cgroup/system.slice/weftd.service/cpuset.cpus.effective", "2-3\n")
      .Put("/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n")
      .Put("/sys/fs/cgroup/system.slice/memory.max", "max\n")
      .Put("/sys/fs/cgroup/cpuset.cpus.effective", "0-7\n");
  const ControlGroupReading reading = ReadControlGroup(tree.root());
  EXPECT_DOUBLE_EQ(reading.cpu_quota.value_or(0), 1.5);
  EXPECT_EQ(reading.memory_bytes, 1'073'741'824);
  EXPECT_EQ(reading.cpuset, "2-3");
}

TEST(ReadControlGroup, TakesTheMountInAContainer) {
  FixtureTree tree;
  tree.Put("/proc/self/cgroup", "0::/kubepods/pod7/abc\n")
      .Put("/sys/fs/cgroup/cpu.max", "50000 100000\n")
      .Put("/sys/fs/cgroup/memory.max", "268435456\n");
  const ControlGroupReading reading = ReadControlGroup(tree.root());
  EXPECT_DOUBLE_EQ(reading.cpu_quota.value_or(0), 0.5);
  EXPECT_EQ(reading.memory_bytes, 268'435'456);
}

TEST(ReadControlGroup, ReadsVersion1) {
  FixtureTree tree;
  tree.Put("/proc/self/cgroup", "4:memory:/a\n3:cpuset:/\n2:cpu,cpuacct:/a\n")
      .Put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n")
      .Put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n")
      .Put("/sys/fs/cgroup/cpuset/cpuset.cpus", "0-1\n")
      .Put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "200000\n")
      .Put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n")
      .Put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
      .Put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  const ControlGroupReading reading = ReadControlGroup(tree.root());
  EXPECT_DOUBLE_EQ(reading.cpu_quota.value_or(0), 2);
  EXPECT_EQ(reading.memory_bytes, 536'870'912);
  EXPECT_EQ(reading.cpuset, "0-1");
}

TEST(ReadControlGroup, FindsNoLimitsWhereThereAreNone) {
  FixtureTree tree;
  tree.Put("/proc/meminfo", "MemTotal:  100 kB\nMemAvailable:     64 kB\n");
  const ControlGroupReading reading = ReadControlGroup(tree.root());
  EXPECT_EQ(reading.cpu_quota, std::nullopt);
  EXPECT_EQ(reading.memory_bytes, std::nullopt);
  EXPECT_EQ(reading.machine_available_bytes, 65'536);
}

TEST(JudgeCpuQuota, WarnsWhenItIsLessThanTheCpus) {
  ControlGroupReading reading;
  ExpectCheck(JudgeCpuQuota(reading, 2), Level::kOk, "none");
  reading.cpu_quota = 2;
  ExpectCheck(JudgeCpuQuota(reading, 2), Level::kOk, "2.00 CPUs for 2 allowed");
  reading.cpu_quota = 0.5;
  ExpectCheck(JudgeCpuQuota(reading, 2), Level::kWarning, "0.50 CPUs", "raise it to 2 CPUs");
}

TEST(JudgeMemoryLimit, WarnsWhenTheDefaultsDoNotFit) {
  ControlGroupReading reading;
  reading.machine_available_bytes = 1 << 30;
  ExpectCheck(JudgeMemoryLimit(reading), Level::kOk, "none; 1.0 GiB available");
  reading.memory_bytes = 512 << 20;
  ExpectCheck(JudgeMemoryLimit(reading), Level::kOk, "512.0 MiB");
  reading.memory_bytes = 256 << 20;
  ExpectCheck(JudgeMemoryLimit(reading), Level::kWarning, "256.0 MiB", "limits.max_in_flight");
}

}  // namespace
}  // namespace weft::doctor
