#include "client/bench_engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <string>

#include "client/fake_daemon.h"

// Proves that the engine accounts for every task it sent, against a daemon in this process. Each
// run ends by an outcome or by a stop flag that is already set, not by time.
namespace weft {
namespace {

constexpr size_t kResourceExhausted = 8;
constexpr size_t kUnavailable = 14;

// Stops as soon as the first calls have been made.
BenchOptions FirstCallsOnly(const FakeDaemon& daemon, const std::string& handler) {
  static const std::atomic<bool> stop{true};
  BenchOptions options;
  options.target = daemon.target();
  options.spec.set_handler(handler);
  options.outstanding = 4;
  options.batch = 3;
  options.stop = &stop;
  return options;
}

TEST(Bench, CountsWhatUnaryTasksBecame) {
  FakeDaemon daemon;
  const auto succeeded = RunBench(FirstCallsOnly(daemon, "echo"));
  ASSERT_TRUE(succeeded.ok()) << succeeded.status();
  EXPECT_EQ(succeeded->sent, 4U);
  EXPECT_EQ(succeeded->succeeded, 4U);
  EXPECT_EQ(succeeded->accepted, 4U);
  EXPECT_EQ(succeeded->round_trip.count(), 4U);
  EXPECT_EQ(RunBench(FirstCallsOnly(daemon, "fail"))->failed, 4U);
}

TEST(Bench, CountsEveryRowOfAStream) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "echo");
  options.mode = BenchMode::kStream;
  options.stop = nullptr;
  options.duration_ns = 50'000'000;
  const auto report = RunBench(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->succeeded, 0U);
  EXPECT_EQ(report->sent, report->succeeded);
  EXPECT_EQ(report->unmatched, 0U);
}

TEST(Bench, CountsEveryTaskOfColumns) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "echo");
  options.mode = BenchMode::kColumns;
  options.batch = 100;
  options.stop = nullptr;
  options.duration_ns = 50'000'000;
  const auto report = RunBench(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->succeeded, 0U);
  EXPECT_EQ(report->sent, report->succeeded);
  EXPECT_EQ(daemon.tasks_in_columns, static_cast<int>(report->sent));
  EXPECT_EQ(report->queue.max_ns(), 100);
  EXPECT_EQ(report->execution.max_ns(), 200);
  EXPECT_EQ(report->unmatched, 0U);
}

TEST(Bench, IsSilentBetweenUnaryCalls) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "echo");
  options.outstanding = options.connections = options.threads = 1;
  options.stop = nullptr;
  options.pause_ns = 20'000'000;
  options.duration_ns = 100'000'000;
  const auto report = RunBench(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GE(report->succeeded, 1U);
  EXPECT_LE(report->succeeded, 6U) << "no more than the pauses leave room for";
  options.mode = BenchMode::kStream;
  EXPECT_TRUE(absl::IsInvalidArgument(RunBench(options).status()));
}

TEST(Bench, RefusesWhatColumnsHaveNoPlaceFor) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "echo");
  options.mode = BenchMode::kColumns;
  options.spec.set_affinity_key("tenant");
  EXPECT_TRUE(absl::IsInvalidArgument(RunBench(options).status()));
}

TEST(Bench, CountsEveryTaskOfACoalescedRun) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "echo");
  options.mode = BenchMode::kCoalesced;
  options.outstanding = 16;
  options.stop = nullptr;
  options.duration_ns = 50'000'000;
  const auto report = RunBench(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->succeeded, 0U);
  EXPECT_EQ(report->sent, report->succeeded);
  EXPECT_EQ(report->accepted, report->succeeded);
  EXPECT_EQ(report->round_trip.count(), report->succeeded);
  EXPECT_LE(daemon.largest_message, 3);
}

TEST(Bench, GivesUpWhatACoalescedRunIsNotAnswered) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "hold");
  options.mode = BenchMode::kCoalesced;
  options.outstanding = 5;
  options.stop = nullptr;
  options.duration_ns = 50'000'000;
  options.grace_ns = 1'000'000;
  const auto report = RunBench(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->sent, 0U);
  EXPECT_EQ(report->lost_total(), report->sent);
}

TEST(Bench, TellsARefusalFromABrokenCall) {
  FakeDaemon daemon;
  daemon.refusals = 4;
  EXPECT_EQ(RunBench(FirstCallsOnly(daemon, "refuse"))->refused[kResourceExhausted], 4U);
  const auto broken = RunBench(FirstCallsOnly(daemon, "break"));
  EXPECT_EQ(broken->lost[kUnavailable], 4U);
  EXPECT_EQ(broken->refused_total(), 0U);
}

TEST(Bench, EndsWhenTheDaemonDrains) {
  FakeDaemon daemon;
  for (const BenchMode mode : {BenchMode::kUnary, BenchMode::kStream, BenchMode::kColumns,
                               BenchMode::kSubmit, BenchMode::kCoalesced}) {
    BenchOptions options = FirstCallsOnly(daemon, "drain");
    options.mode = mode;
    options.stop = nullptr;
    options.duration_ns = int64_t{3600} * 1'000'000'000;
    const auto report = RunBench(options);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ended_early);
    EXPECT_EQ(report->sent, report->refused[kUnavailable]);
    EXPECT_EQ(report->lost_total(), 0U);
  }
}

TEST(Bench, CountsTheRowsOfAStreamThatBroke) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "break");
  options.mode = BenchMode::kStream;
  options.stop = nullptr;
  options.duration_ns = int64_t{3600} * 1'000'000'000;
  const auto report = RunBench(options);
  EXPECT_TRUE(report->ended_early);
  EXPECT_GT(report->sent, 0U);
  EXPECT_EQ(report->lost[kUnavailable], report->sent);
}

TEST(Bench, WaitsForEverySubmittedTaskAndKeepsItsId) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "echo");
  options.mode = BenchMode::kSubmit;
  options.ids_out = testing::TempDir() + "/ids." + std::to_string(getpid());
  const auto report = RunBench(options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->accepted, 4U);
  EXPECT_EQ(report->succeeded, 4U);
  std::ifstream ids(options.ids_out);
  const std::string text(std::istreambuf_iterator<char>(ids), {});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_NE(text.find("1 TASK_STATE_SUCCEEDED\n"), std::string::npos);
  unlink(options.ids_out.c_str());
}

TEST(Bench, RefusesOptionsThatMakeNoSense) {
  FakeDaemon daemon;
  BenchOptions options = FirstCallsOnly(daemon, "echo");
  options.outstanding = 0;
  EXPECT_EQ(RunBench(options).status().code(), absl::StatusCode::kInvalidArgument);
  options = FirstCallsOnly(daemon, "echo");
  options.batch = 1025;
  EXPECT_FALSE(RunBench(options).ok());
  options = FirstCallsOnly(daemon, "echo");
  options.ids_out = "/tmp/ids";
  EXPECT_FALSE(RunBench(options).ok());
  options = FirstCallsOnly(daemon, "echo");
  options.mode = BenchMode::kCoalesced;
  options.connections = 2;
  EXPECT_EQ(RunBench(options).status().message(), "connections is 2, must be 1 in mode coalesced");
  options = FirstCallsOnly(daemon, "echo");
  options.mode = BenchMode::kSubmit;
  options.ids_out = "/nonexistent/ids";
  EXPECT_FALSE(RunBench(options).ok());
}

}  // namespace
}  // namespace weft
