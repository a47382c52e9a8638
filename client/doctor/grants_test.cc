#include "client/doctor/grants.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "client/doctor/expectations.h"
#include "client/doctor/fixture_tree.h"
#include "client/doctor/limits.h"

// Proves that a warning needs both: something asked for, and nothing that grants it.
namespace weft::doctor {
namespace {

constexpr char kLimits[] =
    "Limit                     Soft Limit           Hard Limit           Units\n"
    "Max locked memory         65536                unlimited            bytes\n"
    "Max realtime priority     0                    0\n";

class Grants : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("WEFT_EXECUTOR_REALTIME");
    unsetenv("WEFT_EXECUTOR_LOCK_MEMORY");
    tree_.Put("/proc/self/limits", kLimits);
  }

  FixtureTree tree_;
};

TEST_F(Grants, AreReadOfFileLimitsAndCapabilities) {
  tree_.Put("/etc/weft/weftd.toml",
            "[web]\nrealtime = true\n[executor] # cores\n lock_memory=true # yes\n");
  tree_.Put("/proc/self/status", "Name:\tweft\nCapEff:\t0000000000804000\n");
  const GrantReading reading = ReadGrants(tree_.root());
  EXPECT_EQ(reading.realtime_asked_by, "");
  EXPECT_EQ(reading.lock_asked_by, "/etc/weft/weftd.toml");
  EXPECT_EQ(reading.realtime_priority, 0);
  EXPECT_EQ(reading.locked_bytes, 65'536);
  EXPECT_TRUE(reading.has_sys_nice);
  EXPECT_TRUE(reading.has_ipc_lock);
}

TEST_F(Grants, AreAskedForByAKeyWrittenWholeOrByTheEnvironment) {
  tree_.Put("/etc/weft/weftd.toml", "executor.realtime = true\nexecutor.lock_memory = false\n");
  EXPECT_EQ(ReadGrants(tree_.root()).realtime_asked_by, "/etc/weft/weftd.toml");
  EXPECT_EQ(ReadGrants(tree_.root()).lock_asked_by, "");
  setenv("WEFT_EXECUTOR_REALTIME", "false", 1);
  setenv("WEFT_EXECUTOR_LOCK_MEMORY", "true", 1);
  EXPECT_EQ(ReadGrants(tree_.root()).realtime_asked_by, "");
  EXPECT_EQ(ReadGrants(tree_.root()).lock_asked_by, "WEFT_EXECUTOR_LOCK_MEMORY");
}

TEST_F(Grants, HaveNoCapabilityWithoutTheFile) {
  EXPECT_FALSE(ReadGrants(tree_.root()).has_sys_nice);
  EXPECT_FALSE(ReadGrants(tree_.root()).has_ipc_lock);
}

TEST(JudgeRealtime, WarnsOfWhatIsAskedForAndNotGranted) {
  GrantReading reading;
  reading.realtime_priority = 0;
  ExpectCheck(JudgeRealtime(reading), Level::kOk, "not asked for; the limit");
  reading.realtime_asked_by = "a.toml";
  ExpectCheck(JudgeRealtime(reading), Level::kWarning, "true by a.toml, and the limit",
              "LimitRTPRIO=1");
  reading.realtime_priority = 1;
  ExpectCheck(JudgeRealtime(reading), Level::kOk, "may be set");
  reading.realtime_priority = std::nullopt;
  ExpectCheck(JudgeRealtime(reading), Level::kWarning, "cannot be read", "ulimit -r 1");
  reading.has_sys_nice = true;
  ExpectCheck(JudgeRealtime(reading), Level::kOk, "may be set");
}

TEST(JudgeMemoryLock, WarnsOfWhatIsAskedForAndNotGranted) {
  GrantReading reading;
  reading.locked_bytes = 8 << 20;
  ExpectCheck(JudgeMemoryLock(reading), Level::kOk, "not asked for");
  reading.lock_asked_by = "a.toml";
  ExpectCheck(JudgeMemoryLock(reading), Level::kWarning, "is 8388608", "LimitMEMLOCK");
  reading.locked_bytes = kUnlimited;
  ExpectCheck(JudgeMemoryLock(reading), Level::kOk, "may be set");
  reading.locked_bytes = 0;
  reading.has_ipc_lock = true;
  ExpectCheck(JudgeMemoryLock(reading), Level::kOk, "may be set");
}

}  // namespace
}  // namespace weft::doctor
