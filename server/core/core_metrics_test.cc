// Proves that every counter of a core is written under its own name and that histograms of several
// cores are added up.
#include "core/core_metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/io_metrics.h"

namespace weft {
namespace {

class Recorder final : public MetricWriter {
 public:
  void WriteCounter(const MetricDescription& metric, MetricLabels labels, double value) override {
    values_[Key(metric, labels)] = value;
  }
  void WriteGauge(const MetricDescription& metric, MetricLabels labels, double value) override {
    values_[Key(metric, labels)] = value;
  }
  void WriteHistogram(const MetricDescription& metric, MetricLabels labels,
                      const HistogramSnapshot& snapshot) override {
    values_[Key(metric, labels)] = static_cast<double>(snapshot.count);
  }
  static std::string Key(const MetricDescription& metric, MetricLabels labels) {
    std::string key(metric.name);
    for (const MetricLabel& label : labels) key += " " + std::string(label.value);
    return key;
  }

  std::map<std::string, double> values_;
};

TEST(CoreMetrics, WritesEachCoreAndAddsUpHistograms) {
  CoreStats first(2);
  CoreStats second(2);
  first.CountExecution(1, Priority::kHigh, 10, 20);
  second.CountExecution(1, Priority::kHigh, 30, 40);
  second.sleeps.Add(7);
  second.started[2].Add(3);
  first.unstarted[0].Add(2);
  second.spawned.Add(6);
  second.spawns_refused = 5;
  second.long_runs.Add(4);
  second.long_off_core_ns.Add(2'500'000'000);
  const CoreMetrics metrics({{4, &first, 256}, {9, &second, 128}}, {"noop", "echo"});
  Recorder recorder;
  metrics.Collect(recorder);
  EXPECT_EQ(recorder.values_["weft_core_queue_seconds echo high"], 2);
  EXPECT_EQ(recorder.values_["weft_core_execution_seconds echo high"], 2);
  EXPECT_EQ(recorder.values_["weft_core_execution_seconds noop high"], 0);
  EXPECT_EQ(recorder.values_["weft_core_sleeps_total 9"], 7);
  EXPECT_EQ(recorder.values_["weft_core_sleeps_total 4"], 0);
  EXPECT_EQ(recorder.values_["weft_core_stacks_in_use_max 9"], 128);
  EXPECT_EQ(recorder.values_["weft_core_long_runs_total 9"], 4);
  EXPECT_EQ(recorder.values_["weft_core_long_runs_off_core_seconds_total 9"], 2.5);
  EXPECT_EQ(recorder.values_["weft_core_started_total 9 low"], 3);
  EXPECT_EQ(recorder.values_["weft_core_unstarted_total 4 high"], 2);
  EXPECT_EQ(recorder.values_["weft_core_spawned_total 9"], 6);
  EXPECT_EQ(recorder.values_["weft_core_spawns_refused_total 9"], 5);
}

TEST(CoreMetrics, WritesThePoolsThreadsInsteadOfItsStacks) {
  CoreStats stats(1);
  stats.stack_waits.Add(5);
  stats.stacks_in_use.Set(2);
  stats.sleeps.Add(3);
  const BlockingPool pool({.threads_max = 7});
  const CoreMetrics metrics({{.cpu = -1, .stats = &stats, .stacks = 7, .pool = &pool}}, {"noop"});
  Recorder recorder;
  metrics.Collect(recorder);
  EXPECT_EQ(recorder.values_["weft_core_sleeps_total pool"], 3);
  EXPECT_EQ(recorder.values_["weft_core_blocking_waits_total"], 5);
  EXPECT_EQ(recorder.values_["weft_core_blocking_threads_max"], 7);
  EXPECT_EQ(recorder.values_.count("weft_core_blocking_threads"), 1U);
  EXPECT_EQ(recorder.values_.count("weft_core_blocking_threads_busy"), 1U);
  EXPECT_EQ(recorder.values_.count("weft_core_blocking_threads_refused_total"), 1U);
  for (const char* name : {"weft_core_stack_waits_total", "weft_core_stacks_in_use",
                           "weft_core_stacks_in_use_max", "weft_core_stacks_committed"}) {
    EXPECT_EQ(recorder.values_.count(std::string(name) + " pool"), 0U) << name;
  }
}

TEST(IoMetrics, AddsUpOperationsByKindAndWritesTheRingOfEachCore) {
  IoCounters first;
  IoCounters second;
  first.operations[static_cast<size_t>(sys::IoKind::kRead)].Add(3);
  second.operations[static_cast<size_t>(sys::IoKind::kRead)].Add(4);
  second.failures[static_cast<size_t>(sys::IoKind::kOpen)].Add(2);
  first.in_flight.Set(5);
  first.awaited.Set(10);
  second.waiting.Set(6);
  second.entry_waits.Add(7);
  first.enters.Set(8);
  const IoMetrics metrics({{4, &first}, {9, &second}}, "threads");
  Recorder recorder;
  metrics.Collect(recorder);
  EXPECT_EQ(recorder.values_["weft_io_operations_total threads read"], 7);
  EXPECT_EQ(recorder.values_["weft_io_failures_total threads read"], 0);
  EXPECT_EQ(recorder.values_["weft_io_failures_total threads open"], 2);
  EXPECT_EQ(recorder.values_["weft_io_in_flight 4"], 5);
  EXPECT_EQ(recorder.values_["weft_io_awaited 4"], 10);
  EXPECT_EQ(recorder.values_["weft_io_waiting 9"], 6);
  EXPECT_EQ(recorder.values_["weft_io_entry_waits_total 9"], 7);
  EXPECT_EQ(recorder.values_["weft_io_enters_total 4"], 8);
  EXPECT_EQ(recorder.values_.count("weft_io_operations_total pool read"), 0U) << "there is none";
}

TEST(IoMetrics, AddsUpTheOperationsOfTheBlockingPoolsThreadsApart) {
  BlockingPool pool({.threads_max = 2});
  sys::IoOperation nop{.kind = sys::IoKind::kNop};
  EXPECT_EQ(pool.thread(0).RunIo(nop, {}), 0);
  EXPECT_EQ(pool.thread(1).RunIo(nop, {}), 0);
  sys::IoOperation fsync{.kind = sys::IoKind::kFsync, .fd = -1};
  EXPECT_LT(pool.thread(1).RunIo(fsync, {}), 0);
  IoCounters counters;
  const IoMetrics metrics({{4, &counters}}, "threads", &pool);
  Recorder recorder;
  metrics.Collect(recorder);
  EXPECT_EQ(recorder.values_["weft_io_operations_total pool nop"], 2);
  EXPECT_EQ(recorder.values_["weft_io_operations_total pool fsync"], 1);
  EXPECT_EQ(recorder.values_["weft_io_failures_total pool fsync"], 1);
  EXPECT_EQ(recorder.values_["weft_io_operations_total threads fsync"], 0);
  EXPECT_EQ(recorder.values_.count("weft_io_in_flight pool"), 1U);
  EXPECT_EQ(recorder.values_.count("weft_io_waiting pool"), 0U) << "none waits for a ring";
}

}  // namespace
}  // namespace weft
