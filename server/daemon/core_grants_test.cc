// What cores may not have of the CPUs, and what the machine did not grant them: told exactly when
// it is so, with cause and fix.
#include "daemon/core_grants.h"

#include <gtest/gtest.h>

#include <string>

#include "core/core.h"
#include "core/manual_env.h"

namespace weft {
namespace {

TEST(ConcedeCpus, LeavesWhatTakesNothingFromOthers) {
  for (const IdlePolicy idle : {IdlePolicy::kSpin, IdlePolicy::kAdaptive, IdlePolicy::kSleep}) {
    Config config;
    config.core.idle = idle;
    EXPECT_TRUE(ConcedeCpus(false, &config).empty());
    EXPECT_EQ(config.core.idle, idle);
  }
  Config config;
  config.core.realtime = true;
  EXPECT_TRUE(ConcedeCpus(false, &config).empty());
  EXPECT_TRUE(config.core.realtime);
}

TEST(ConcedeCpus, LetsTheDoorRunOnTheCpuItShares) {
  Config config;
  config.core.realtime = true;
  config.core.idle = IdlePolicy::kSpin;
  const auto concessions = ConcedeCpus(true, &config);
  ASSERT_EQ(concessions.size(), 2u);
  EXPECT_EQ(concessions[0].key, "executor.idle");
  EXPECT_EQ(concessions[0].from, "spin");
  EXPECT_EQ(concessions[0].to, "sleep");
  EXPECT_EQ(concessions[1].key, "executor.realtime");
  EXPECT_EQ(config.core.idle, IdlePolicy::kSleep);
  EXPECT_FALSE(config.core.realtime);
  EXPECT_TRUE(ConcedeCpus(true, &config).empty());
}

TEST(ConcedeCpus, LetsARealtimeCoreSleep) {
  Config config;
  config.core.realtime = true;
  config.core.idle = IdlePolicy::kSpin;
  const auto concessions = ConcedeCpus(false, &config);
  ASSERT_EQ(concessions.size(), 1u);
  EXPECT_EQ(concessions[0].to, "adaptive");
  EXPECT_NE(concessions[0].reason.find("realtime"), std::string::npos);
  EXPECT_EQ(config.core.idle, IdlePolicy::kAdaptive);
  EXPECT_TRUE(config.core.realtime);
}

TEST(LockableBytes, IsWhatACoreAsksToLock) {
  CoreOptions options;
  options.max_queue_depth = 100;
  options.lock_memory = true;
  for (const uint32_t kept : {1u, 8u, 1'000u}) {
    options.stacks = 20;
    options.stacks_kept = kept;
    sys::Ticks now = 0;
    Doorbell doorbell;
    Core<ManualEnv> core(options, ManualEnv(&now), doorbell);
    ASSERT_TRUE(core.Prepare().ok());
    EXPECT_EQ(static_cast<int64_t>(LockableBytes(options)), core.stats().lockable_bytes.value());
  }
}

TEST(GrantWarnings, AreNoneWhenAllWasGranted) {
  EXPECT_TRUE(
      GrantWarnings({{.cpu = 1}, {.cpu = 2, .lockable_bytes = 5, .locked_bytes = 5}}, {}).empty());
}

TEST(GrantWarnings, TellTheFirstCoreWithoutRealtime) {
  const auto warnings = GrantWarnings(
      {{.cpu = 1}, {.cpu = 2, .realtime = absl::PermissionDeniedError("not granted")}},
      {.realtime_priority = 0});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].granted, "0");
  EXPECT_NE(warnings[0].because.find("CPU 2: not granted"), std::string::npos);
  EXPECT_NE(warnings[0].fix.find("LimitRTPRIO=1"), std::string::npos);
}

// The limit allows it, so something else forbids it.
TEST(GrantWarnings, TellWhatElseForbidsRealtime) {
  const auto warnings =
      GrantWarnings({{.cpu = 1, .realtime = absl::PermissionDeniedError("not granted")}}, {});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].granted, "unlimited");
  EXPECT_NE(warnings[0].fix.find("rt_runtime_us"), std::string::npos);
}

TEST(GrantWarnings, TellWhatCouldNotBeLocked) {
  const auto warnings = GrantWarnings({{.cpu = 1, .lockable_bytes = 100, .locked_bytes = 80},
                                       {.cpu = 2, .lockable_bytes = 100, .locked_bytes = 0}},
                                      {.locked_bytes = 80});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].granted, "80");
  EXPECT_EQ(warnings[0].needed, "200");
  EXPECT_NE(warnings[0].because.find("120 bytes"), std::string::npos);
  EXPECT_NE(warnings[0].fix.find("LimitMEMLOCK="), std::string::npos);
}

TEST(GrantWarnings, TellTheFirstCoreWhoseMemoryIsElsewhere) {
  const auto warnings =
      GrantWarnings({{.cpu = 1, .node_bytes = 100},
                     {.cpu = 65, .numa_node = 1, .node_bytes = 100, .off_node_bytes = 70},
                     {.cpu = 66, .numa_node = 1, .node_bytes = 100, .off_node_bytes = 100}},
                    {});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].limit, "memory on NUMA node 1 in bytes");
  EXPECT_EQ(warnings[0].granted, "30");
  EXPECT_EQ(warnings[0].needed, "100");
  EXPECT_NE(warnings[0].because.find("CPU 65"), std::string::npos);
  EXPECT_NE(warnings[0].fix.find("cpuset.mems"), std::string::npos);
}

}  // namespace
}  // namespace weft
