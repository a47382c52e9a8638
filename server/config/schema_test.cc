// The rows of the configuration: names, help and the rules that values are held against.
#include "config/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weft {
namespace {

TEST(ConfigSchema, HoldsTheKeysThatKeepTheirNames) {
  for (const char* key : {"executor.cores",
                          "executor.worker_threads",
                          "executor.idle",
                          "executor.spin_us",
                          "executor.max_queue_depth",
                          "executor.target_latency_ns",
                          "executor.timing_metrics",
                          "executor.age_limit_ms",
                          "executor.stall_threshold_ms",
                          "executor.stacks",
                          "executor.stack_bytes",
                          "rpc.listen",
                          "rpc.unix_socket",
                          "web.listen",
                          "results.max_age_s",
                          "results.max_count",
                          "results.max_bytes",
                          "limits.max_payload_bytes",
                          "limits.max_in_flight_bytes",
                          "limits.max_wait_s",
                          "limits.max_waiters",
                          "limits.max_streams",
                          "limits.max_watchers",
                          "limits.max_watcher_events",
                          "limits.max_calls_posted",
                          "daemon.drain_limit_s",
                          "log.level",
                          "log.format",
                          "security.insecure"}) {
    EXPECT_NE(FindConfigRow(key), nullptr) << key;
  }
}

TEST(ConfigSchema, HasEachKeyOnceWithHelp) {
  std::set<std::string> seen;
  for (const ConfigRow& row : ConfigRows()) {
    EXPECT_TRUE(seen.emplace(row.key).second) << row.key;
    EXPECT_FALSE(row.help.empty()) << row.key;
    EXPECT_EQ(row.help.back(), '.') << row.key;
    EXPECT_TRUE(IsConfigSection(row.key.substr(0, row.key.find('.')))) << row.key;
  }
}

TEST(ConfigSchema, HoldsNumbersToBothEndsOfTheirRange) {
  const ConfigRow* const row = FindConfigRow("executor.spin_us");
  ASSERT_NE(row, nullptr);
  EXPECT_TRUE(Obeys(row->rule, int64_t{0}));
  EXPECT_TRUE(Obeys(row->rule, int64_t{10'000}));
  EXPECT_FALSE(Obeys(row->rule, int64_t{-1}));
  EXPECT_FALSE(Obeys(row->rule, int64_t{10'001}));
  EXPECT_FALSE(Obeys(row->rule, std::string("50")));
  EXPECT_EQ(DescribeExpected(*row), "a whole number from 0 to 10000 (microseconds)");
}

TEST(ConfigSchema, TakesCpusAsAutoOrAsAListOfNumbersOrOfNames) {
  const ConfigRow* const row = FindConfigRow("executor.cores");
  ASSERT_NE(row, nullptr);
  EXPECT_TRUE(Obeys(row->rule, std::string("auto")));
  EXPECT_TRUE(Obeys(row->rule, std::vector<int64_t>{0, 3}));
  EXPECT_TRUE(Obeys(row->rule, std::string("p1")));
  EXPECT_TRUE(Obeys(row->rule, std::vector<std::string>{"p1:0", "n2", "3"}));
  EXPECT_FALSE(Obeys(row->rule, std::vector<std::string>{"p1", "auto"}));
  EXPECT_FALSE(Obeys(row->rule, std::string("all")));
  EXPECT_FALSE(Obeys(row->rule, std::vector<int64_t>{-1}));
  EXPECT_FALSE(Obeys(row->rule, std::vector<std::string>{}));
  EXPECT_FALSE(Obeys(row->rule, int64_t{0}));
}

TEST(ConfigSchema, FindsTheNearestKeyByWholeOrByItsLastPart) {
  EXPECT_EQ(NearestConfigKey("exector.idle"), "executor.idle");
  EXPECT_EQ(NearestConfigKey("executor.spin_ms"), "executor.spin_us");
  EXPECT_EQ(NearestConfigKey("executor.max_waiters"), "limits.max_waiters");
  EXPECT_EQ(NearestConfigKey("drain_limit_s"), "daemon.drain_limit_s");
  EXPECT_EQ(NearestConfigKey("database.url"), "");
}

}  // namespace
}  // namespace weft
