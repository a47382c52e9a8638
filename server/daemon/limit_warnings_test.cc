// Limits of the machine against the configured bounds: a warning with both figures exactly when the
// limit is the lower one.
#include "daemon/limit_warnings.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace weft {
namespace {

// The warning that a limit of zero brings, which tells the need.
LimitWarning WarningOf(const Config& config, const sys::MachineLimits& limits) {
  const auto warnings = LimitWarnings(config, 2, limits);
  EXPECT_EQ(warnings.size(), 1u);
  return warnings.empty() ? LimitWarning() : warnings[0];
}

TEST(LimitWarnings, AreNoneWithoutLimits) { EXPECT_TRUE(LimitWarnings({}, 2, {}).empty()); }

TEST(LimitWarnings, TellFilesWithTheirFigure) {
  Config config;
  config.rpc.max_streams = 4'000;
  config.web.max_connections = 32;
  const LimitWarning warning = WarningOf(config, {.open_files = 1'024});
  EXPECT_EQ(warning.granted, "1024");
  EXPECT_EQ(warning.needed, "4232");
  EXPECT_NE(warning.because.find("limits.max_streams = 4000"), std::string::npos);
  EXPECT_NE(warning.fix.find("LimitNOFILE"), std::string::npos);
  EXPECT_TRUE(LimitWarnings(config, 2, {.open_files = 4'232}).empty());
}

TEST(LimitWarnings, CountWhatFileTasksHold) {
  Config config;
  config.rpc.max_streams = 4'000;
  config.web.max_connections = 32;
  config.handlers.file_root = "/srv";
  config.core.stacks = 100;
  const LimitWarning warning = WarningOf(config, {.open_files = 4'232});
  EXPECT_EQ(warning.needed, "4632");
  EXPECT_NE(warning.because.find("executor.stacks = 100"), std::string::npos);
}

TEST(LimitWarnings, CountWhatTasksHoldThatTalkToHosts) {
  Config config;
  config.rpc.max_streams = 4'000;
  config.web.max_connections = 32;
  config.handlers.net_allow = {{.host = "example.com"}};
  config.core.stacks = 100;
  EXPECT_EQ(WarningOf(config, {.open_files = 4'232}).needed, "4632");
}

TEST(MostFileTasks, IsWhatTheLimitOfOpenFilesLeaves) {
  Config config;
  config.rpc.max_streams = 4'000;
  config.web.max_connections = 32;
  config.core.stacks = 100;
  EXPECT_EQ(MostFileTasks(config, 2, {}), 200);
  EXPECT_EQ(MostFileTasks(config, 2, {.open_files = 1'000'000}), 200);
  EXPECT_EQ(MostFileTasks(config, 2, {.open_files = 4'232 + 100}), 50);
  EXPECT_EQ(MostFileTasks(config, 2, {.open_files = 64}), kLeastFileTasks);
  config.core.stacks = 2;
  EXPECT_EQ(MostFileTasks(config, 2, {.open_files = 64}), 4);
}

TEST(LimitWarnings, TellMemoryThatHoldsAllBounds) {
  Config config;
  config.dispatch.max_in_flight_bytes = 1'000'000'000;
  const uint64_t needed =
      std::strtoull(WarningOf(config, {.memory_bytes = 512'000'000}).needed.c_str(), nullptr, 10);
  EXPECT_GT(needed, 1'000'000'000 + config.dispatch.results_max_bytes);
  EXPECT_EQ(WarningOf(config, {.memory_bytes = needed - 1}).granted, std::to_string(needed - 1));
  EXPECT_TRUE(LimitWarnings(config, 2, {.memory_bytes = needed}).empty());
}

TEST(LimitWarnings, TellAQuotaBelowCoresAndDoor) {
  EXPECT_EQ(WarningOf({}, {.cpus = 2.5}).granted, "2.50");
  EXPECT_EQ(WarningOf({}, {.cpus = 2.5}).needed, "3");
  EXPECT_TRUE(LimitWarnings({}, 2, {.cpus = 3.0}).empty());
}

TEST(LimitWarnings, TellMappingsOfManyStacks) {
  Config config;
  config.core.stacks = 30'000;
  EXPECT_EQ(WarningOf(config, {.memory_mappings = 65'530}).needed, "121000");
  EXPECT_TRUE(
      LimitWarnings(config, 2, {.memory_mappings = 65'530, .has_guard_markers = true}).empty());
}

TEST(LimitWarnings, TellThreadsThatTheBlockingPoolMayStart) {
  Config config;
  config.blocking.threads_max = 100;
  config.web.max_connections = 10;
  config.io.threads = 4;
  const LimitWarning warning = WarningOf(config, {.threads = 100});
  EXPECT_EQ(warning.granted, "100");
  EXPECT_EQ(warning.needed, "148");
  EXPECT_NE(warning.because.find("blocking.threads_max = 100"), std::string::npos);
  EXPECT_NE(warning.fix.find("TasksMax"), std::string::npos);
  EXPECT_TRUE(LimitWarnings(config, 2, {.threads = 148}).empty());
  config.web.listen.clear();
  EXPECT_TRUE(LimitWarnings(config, 2, {.threads = 138}).empty()) << "nobody is served there";
}

TEST(LimitWarnings, CountTheBlockingPoolInMemoryAndMappings) {
  const auto needs = [](const Config& config, const sys::MachineLimits& limits) {
    return std::strtoull(WarningOf(config, limits).needed.c_str(), nullptr, 10);
  };
  Config config;
  config.core.stacks = 30'000;
  Config more = config;
  more.blocking.threads_max = 100;
  more.dispatch.blocking_queue_depth = config.dispatch.blocking_queue_depth + 1'000;
  const sys::MachineLimits little_memory = {.memory_bytes = 1};
  EXPECT_GE(needs(more, little_memory) - needs(config, little_memory),
            100 * uint64_t{128 * 1024} + 3'000 * uint64_t{512});
  const sys::MachineLimits few_mappings = {.memory_mappings = 65'530};
  EXPECT_EQ(needs(more, few_mappings) - needs(config, few_mappings), 700u);
}

TEST(LimitWarnings, TellAllAtOnce) {
  EXPECT_EQ(
      LimitWarnings(
          {}, 2,
          {.open_files = 1, .memory_bytes = 1, .cpus = 0.1, .memory_mappings = 1, .threads = 1})
          .size(),
      5u);
}

}  // namespace
}  // namespace weft
