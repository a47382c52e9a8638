// Limits as the kernel writes them, in a tree of files that the test makes, and as it grants them
// to this process.
#include "sys/machine_limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace weft::sys {
namespace {

class MachineLimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-limits-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  std::string root_;
};

TEST_F(MachineLimitsTest, TakesTheLeastOfACgroupAndThoseAbove) {
  Write("/proc/self/cgroup", "0::/a/b\n");
  Write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  Write("/sys/fs/cgroup/a/memory.max", "1000\n");
  Write("/sys/fs/cgroup/memory.max", "2000\n");
  Write("/sys/fs/cgroup/a/b/pids.max", "30\n");
  Write("/sys/fs/cgroup/a/pids.max", "20\n");
  Write("/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
  Write("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
  const MachineLimits limits = ReadMachineLimits(root_);
  EXPECT_EQ(limits.memory_bytes, 1000u);
  EXPECT_EQ(limits.threads, 20u);
  EXPECT_DOUBLE_EQ(limits.cpus.value_or(0), 1.5);
}

TEST_F(MachineLimitsTest, ReadsTheRootOfAContainersOwnNamespace) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.max", "536870912\n");
  EXPECT_EQ(ReadMachineLimits(root_).memory_bytes, 536'870'912u);
}

TEST_F(MachineLimitsTest, ReadsTheFirstVersionOfCgroups) {
  Write("/proc/self/cgroup", "9:cpu,cpuacct:/a\n4:memory:/a\n8:pids:/a\n1:name=systemd:/a\n");
  Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("/sys/fs/cgroup/pids/a/pids.max", "100\n");
  Write("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n");
  Write("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  const MachineLimits limits = ReadMachineLimits(root_);
  EXPECT_EQ(limits.memory_bytes, 4096u);
  EXPECT_EQ(limits.threads, 100u);
  EXPECT_DOUBLE_EQ(limits.cpus.value_or(0), 0.5);
}

TEST_F(MachineLimitsTest, HasNoneWhereNothingCanBeRead) {
  const MachineLimits limits = ReadMachineLimits(root_);
  EXPECT_EQ(limits.memory_bytes, std::nullopt);
  EXPECT_EQ(limits.cpus, std::nullopt);
  EXPECT_EQ(limits.memory_mappings, std::nullopt);
  Write("/proc/self/cgroup", "nonsense\n0:\n0::\n::::\n");
  Write("/sys/fs/cgroup/cpu.max", "1000\n");
  EXPECT_EQ(ReadMachineLimits(root_).cpus, std::nullopt);
}

TEST_F(MachineLimitsTest, ReadsWhatThisProcessIsGranted) {
  rlimit granted{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &granted), 0);
  EXPECT_EQ(ReadMachineLimits("").open_files, granted.rlim_cur);
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &granted), 0);
  EXPECT_EQ(ReadMachineLimits("").locked_bytes.value_or(RLIM_INFINITY), granted.rlim_cur);
  ASSERT_EQ(getrlimit(RLIMIT_NPROC, &granted), 0);
  EXPECT_LE(ReadMachineLimits("").threads.value_or(0), granted.rlim_cur);
  ASSERT_EQ(getrlimit(RLIMIT_RTPRIO, &granted), 0);
  EXPECT_EQ(ReadMachineLimits("").realtime_priority.value_or(RLIM_INFINITY), granted.rlim_cur);
}

TEST(ParseLimit, TakesNumbersOnly) {
  EXPECT_EQ(ParseLimit("12\n"), 12u);
  EXPECT_EQ(ParseLimit("0"), 0u);
  for (const char* text : {"", "max", "-1", "12x", "x", "9223372036854771712"}) {
    EXPECT_EQ(ParseLimit(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weft::sys
