// Proves the frames of `weft top` against text, and the figures in columns they are made of.
#include "client/cli/top_frame.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "absl/strings/str_split.h"
#include "client/cli/admin_output.h"
#include "client/cli/output.h"
#include "client/cli/table.h"

namespace weft::cli {
namespace {

v1::HandlerStats Handler(const std::string& name, uint64_t executed, uint64_t failed, uint64_t ns) {
  v1::HandlerStats handler;
  handler.set_name(name);
  handler.set_tasks_executed(executed);
  handler.set_tasks_failed(failed);
  handler.set_queue_p50_ns(ns);
  handler.set_queue_p99_ns(2 * ns);
  handler.set_execution_p50_ns(3 * ns);
  handler.set_execution_p99_ns(4 * ns);
  return handler;
}

v1::GetStatsResponse Stats(uint64_t times) {
  v1::GetStatsResponse stats;
  stats.set_version("0.1.0");
  stats.set_ready_at_ns(1'000'000'000);
  stats.mutable_tasks()->set_accepted(4'000 * times);
  stats.mutable_tasks()->set_refused(20 * times);
  stats.mutable_tasks()->set_in_flight(12);
  stats.mutable_last_10s()->set_avg_latency_ns(2'500);
  stats.set_target_latency_ns(5'000);
  stats.set_meeting_latency_target(true);
  stats.set_max_queue_depth(10'000);
  stats.set_results_kept(1'234);
  stats.set_results_kept_bytes(1'572'864);
  stats.set_waiters(3);
  v1::RefusalCount* const refusal = stats.add_refusals();
  refusal->set_reason("QUEUE_FULL");
  refusal->set_count(20 * times);
  for (const uint32_t cpu : {1U, 3U}) {
    v1::CoreStats* const core = stats.add_cores();
    core->set_core(cpu);
    core->set_queued_normal(cpu * 500);
    core->set_held(cpu - 1);
    core->set_started(1);
    core->set_tasks_executed(2'000 * times);
    core->set_sleeps(100 * times);
    core->set_wakes(90 * times);
    core->set_stalls(cpu);
  }
  *stats.add_handlers() = Handler("echo", 1'000 * times, 0, 1'000);
  *stats.add_handlers() = Handler("sha256", 3'000 * times, 2 * times, 1'000);
  stats.mutable_handlers(0)->set_paused(true);
  return stats;
}

// Two seconds, in which as much happened as before them.
TopView View() {
  TopView view;
  view.target = "127.0.0.1:7411";
  view.unix_ns = 301'000'000'000;
  *view.now.mutable_stats() = Stats(2);
  view.now.set_interval_ns(2'000'000'000);
  *view.now.add_handlers() = Handler("echo", 1'000, 0, 1'000);
  view.now.mutable_handlers(0)->set_paused(true);
  *view.now.add_handlers() = Handler("fail", 0, 0, 0);
  *view.now.add_handlers() = Handler("sha256", 3'000, 2, 900);
  *view.now.mutable_all() = Handler("", 4'000, 2, 950);
  view.before = Stats(1);
  v1::CoreInfo* const core = view.cores.add_cores();
  core->mutable_stats()->set_core(3);
  core->set_running_handler("sha256");
  core->set_running_for_ns(2'100);
  return view;
}

constexpr TopSize kWide = {.columns = 200, .rows = 100};

TEST(TopFrame, ShowsTotalsRefusalsBoundsCoresAndHandlers) {
  EXPECT_EQ(TopFrame(View(), kWide),
            R"(weft top  127.0.0.1:7411  weftd 0.1.0  up 5 min  interval 2.0 s
tasks    accepted 2,000/s  refused 10/s  in flight 12
latency  average 2.5 µs over 10 s, target 5.0 µs met
refused  QUEUE_FULL 10/s (40)
bounds   queue 1,500 of 10,000 (core 3 normal)  kept 1,234 (1.5 MiB)  waiters 3

core   high normal    low   held started    run/s sleep/s wake/s stalls  running
1         0    500      0      0       1    1,000      50     45      1  -
3         0  1,500      0      2       1    1,000      50     45      3  sha256 2.1 µs

handler           run/s failed/s queue p50       p99   run p50       p99
(all)             2,000        1    950 ns    1.9 µs    2.9 µs    3.8 µs
sha256            1,500        1    900 ns    1.8 µs    2.7 µs    3.6 µs
echo                500        0    1.0 µs    2.0 µs    3.0 µs    4.0 µs  PAUSED
fail                  0        0         -         -         -         -)");
}

TEST(TopFrame, ShowsTheBlockingPoolBelowTheCoresAndWhatWasDemoted) {
  TopView view = View();
  v1::BlockingPool* const pool = view.now.mutable_stats()->mutable_blocking();
  pool->mutable_stats()->set_core(UINT32_MAX);
  pool->mutable_stats()->set_queued_low(7);
  pool->mutable_stats()->set_tasks_executed(30);
  pool->set_threads(3);
  pool->set_threads_max(16);
  pool->set_max_queue_depth(1'000);
  *view.before->mutable_blocking() = *pool;
  pool->mutable_stats()->set_tasks_executed(50);
  for (const int64_t ns : {2'000, 3'000'000}) {
    v1::BlockingThread* const thread = pool->add_busy();
    thread->set_running_handler(ns > 1'000'000 ? "slow" : "quick");
    thread->set_running_for_ns(ns);
  }
  view.now.mutable_handlers(2)->set_demoted(true);
  const std::string frame = TopFrame(view, kWide);
  EXPECT_NE(frame.find("(core 3 normal)  pool 7 of 1,000 (low)  kept"), std::string::npos) << frame;
  EXPECT_NE(frame.find("\npool      0      0      7      0       0       10       0      0      0  "
                       "2 of 16 threads: slow 3.0 ms\n"),
            std::string::npos)
      << frame;
  EXPECT_NE(frame.find("3.6 µs  DEMOTED\n"), std::string::npos) << frame;
  pool->clear_busy();
  EXPECT_NE(TopFrame(view, kWide).find("      0  -\n\nhandler"), std::string::npos);
}

TEST(TopFrame, TheFirstFrameHasNoRatesButPauses) {
  TopView view = View();
  view.before.reset();
  view.now.clear_all();
  view.now.clear_handlers();
  view.now.set_interval_ns(0);
  const std::string frame = TopFrame(view, kWide);
  EXPECT_NE(frame.find("accepted -/s  refused -/s  in flight 12"), std::string::npos) << frame;
  EXPECT_NE(frame.find("QUEUE_FULL -/s (40)"), std::string::npos) << frame;
  EXPECT_NE(frame.find("echo                  -        -"), std::string::npos) << frame;
  EXPECT_NE(frame.find("PAUSED"), std::string::npos) << frame;
  EXPECT_EQ(frame.find("(all)"), std::string::npos) << frame;
}

TEST(TopFrame, WarnsOfADrainABrokenPromiseAndAMissedTarget) {
  TopView view = View();
  view.now.mutable_stats()->set_draining(true);
  view.now.mutable_stats()->set_promise_violations(2);
  view.now.mutable_stats()->set_meeting_latency_target(false);
  view.now.mutable_stats()->clear_refusals();
  const std::string frame = TopFrame(view, kWide);
  EXPECT_NE(frame.find("DRAINING  PROMISES BROKEN: 2\n"), std::string::npos) << frame;
  EXPECT_NE(frame.find("MISSED"), std::string::npos) << frame;
  EXPECT_NE(frame.find("refused  nothing\n"), std::string::npos) << frame;
}

TEST(TopFrame, ARestartedDaemonHasNoRates) {
  TopView view = View();
  view.before->mutable_tasks()->set_accepted(1'000'000);
  EXPECT_NE(TopFrame(view, kWide).find("accepted -/s"), std::string::npos);
}

TEST(TopFrame, NeverPassesTheEdgesOfItsWindow) {
  TopView view = View();
  for (uint32_t cpu = 4; cpu < 30; ++cpu) {
    view.now.mutable_stats()->add_cores()->set_core(cpu);
    *view.now.add_handlers() = Handler(std::string(40, 'h') + std::to_string(cpu), cpu, 0, 1);
  }
  for (size_t rows = 1; rows < 70; ++rows) {
    for (const size_t columns : {1U, 40U, 80U}) {
      const std::string frame = TopFrame(view, {.columns = columns, .rows = rows});
      const std::vector<std::string> lines = absl::StrSplit(frame, '\n');
      ASSERT_LE(lines.size(), rows);
      for (const std::string& line : lines) ASSERT_LE(ColumnsOf(line), columns) << line;
    }
  }
}

TEST(TopFrame, SaysHowMuchASmallWindowHides) {
  TopView view = View();
  for (uint32_t cpu = 4; cpu < 24; ++cpu) view.now.mutable_stats()->add_cores()->set_core(cpu);
  const std::string frame = TopFrame(view, {.columns = 80, .rows = 24});
  EXPECT_NE(frame.find("\n... 11 more cores\n"), std::string::npos) << frame;
  EXPECT_NE(frame.find("\n... 2 more handlers"), std::string::npos) << frame;
  EXPECT_NE(frame.find("sha256  "), std::string::npos) << "the busiest stays\n" << frame;
}

TEST(Table, CountsColumnsAndNotBytes) {
  EXPECT_EQ(ColumnsOf("3 µs"), 4U);
  EXPECT_EQ(PadLeft("3 µs", 6), "  3 µs");
  EXPECT_EQ(PadRight("3 µs", 6), "3 µs  ");
  EXPECT_EQ(PadLeft("long", 2), "long");
  EXPECT_EQ(CutTo("3 µs", 3), "3 µ");
  EXPECT_EQ(CutTo("3 µs", 2), "3 ");
}

TEST(Table, WritesFiguresForPeople) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1'000), "1,000");
  EXPECT_EQ(Grouped(12'345'678), "12,345,678");
  EXPECT_EQ(FormatBytes(1'023), "1023 B");
  EXPECT_EQ(FormatBytes(1'536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(1'048'575), "1.0 MiB");
  EXPECT_EQ(FormatBytes(UINT64_MAX), "16777216.0 TiB");
}

TEST(WriteCores, IsOneRowACore) {
  v1::ListCoresResponse cores = View().cores;
  cores.mutable_cores(0)->mutable_budget()->set_microseconds(250);
  cores.mutable_cores(0)->set_idle("adaptive");
  cores.mutable_cores(0)->set_spin_budget_ns(50'000);
  cores.mutable_cores(0)->set_numa_node(1);
  cores.mutable_cores(0)->set_executor_kind("fallback");
  cores.mutable_cores(0)->mutable_stats()->set_queued_low(7);
  cores.mutable_cores(0)->mutable_stats()->set_state(v1::CORE_STATE_DRAINING);
  cores.mutable_cores(0)->set_running_handler("echo");
  v1::CoreInfo* const idle = cores.add_cores();
  idle->mutable_budget()->set_polls(64);
  idle->set_idle("spin");
  idle->set_spin_budget_ns(-1);
  idle->set_realtime(true);
  std::ostringstream out;
  WriteCores(cores, out);
  EXPECT_EQ(
      out.str(),
      "core  node package state    executor budget       idle               fifo   queued     "
      "held  started  running\n"
      "3        1       0 draining fallback 250.0 µs     adaptive 50.0 µs   no          7     "
      "   0        0  echo for 2.1 µs\n"
      "0        0       0 -        -        64 polls     spin               yes         0     "
      "   0        0  -\n");
}

TEST(TopFrame, MarksCoresThatTakeNoNewTasks) {
  TopView view = View();
  view.now.mutable_stats()->mutable_cores(0)->set_state(v1::CORE_STATE_PARKED);
  view.now.mutable_stats()->mutable_cores(1)->set_state(v1::CORE_STATE_DRAINING);
  const std::string frame = TopFrame(view, kWide);
  EXPECT_NE(frame.find("      1  -  PARKED\n"), std::string::npos) << frame;
  EXPECT_NE(frame.find("      3  sha256 2.1 µs  DRAINING\n"), std::string::npos) << frame;
  view.now.mutable_stats()->mutable_cores(0)->set_state(v1::CORE_STATE_ACTIVE);
  EXPECT_EQ(TopFrame(view, kWide).find("PARKED"), std::string::npos);
}

TEST(WriteStats, TellsWhereEachCoreIsAndWhetherItTakesTasks) {
  v1::GetStatsResponse stats;
  v1::CoreStats* const core = stats.add_cores();
  core->set_core(65);
  core->set_package(1);
  core->set_numa_node(3);
  core->set_state(v1::CORE_STATE_PARKED);
  stats.mutable_blocking()->mutable_stats()->set_core(UINT32_MAX);
  std::ostringstream out;
  WriteStats(stats, out);
  EXPECT_NE(out.str().find("core  node package state        high"), std::string::npos);
  EXPECT_NE(out.str().find("\n65       3       1 parked          0"), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("\npool     -       - -               0"), std::string::npos);
}

TEST(PoolText, TellsThreadsQueueAndBoundsAndWhatWasRefused) {
  v1::BlockingPool pool;
  pool.set_threads_max(16);
  pool.set_max_queue_depth(1'000);
  pool.mutable_stats()->set_queued_high(2);
  pool.mutable_stats()->set_queued_low(3);
  pool.add_busy();
  pool.set_refused(9);
  EXPECT_EQ(PoolText(pool), "1 of 16 threads busy, 5 queued (at most 1000 a level), refused 9");
  pool.set_threads_refused(4);
  EXPECT_EQ(PoolText(pool),
            "1 of 16 threads busy, 5 queued (at most 1000 a level), refused 9, "
            "threads not granted 4");
}

TEST(WriteHandlerStats, ShowsWhatDidSomethingOrIsPaused) {
  std::ostringstream out;
  v1::GetStatsResponse stats = Stats(1);
  stats.mutable_handlers(1)->set_tasks_executed(0);
  WriteHandlerStats(stats.handlers(), out);
  WriteRefusals(stats, out);
  EXPECT_EQ(out.str(),
            R"(handler              executed     failed   queue p50        p99    run p50        p99
echo                     1000          0      1.0 µs     2.0 µs     3.0 µs     4.0 µs  paused
refused    QUEUE_FULL 20
)");
}

}  // namespace
}  // namespace weft::cli
