#include "dispatch/stats.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace weft {
namespace {

// Collects what was written, as "name{label=value}".
class Written final : public MetricWriter {
 public:
  void WriteCounter(const MetricDescription& metric, MetricLabels labels, double value) override {
    EXPECT_TRUE(metric.name.ends_with("_total")) << metric.name;
    Add(metric, labels, value);
  }
  void WriteGauge(const MetricDescription& metric, MetricLabels labels, double value) override {
    EXPECT_FALSE(metric.name.ends_with("_total")) << metric.name;
    Add(metric, labels, value);
  }
  // Its count.
  void WriteHistogram(const MetricDescription& metric, MetricLabels labels,
                      const HistogramSnapshot& snapshot) override {
    Add(metric, labels, static_cast<double>(snapshot.count));
  }

  std::map<std::string, double> values;

 private:
  void Add(const MetricDescription& metric, MetricLabels labels, double value) {
    std::string key(metric.name);
    for (const MetricLabel& label : labels) {
      key += "{" + std::string(label.name) + "=" + std::string(label.value) + "}";
    }
    EXPECT_TRUE(values.emplace(key, value).second) << key << " was written twice";
  }
};

TEST(DispatchStats, WritesEachCountOnceUnderItsLabel) {
  DispatchStats stats({2, 5}, /*has_pool=*/false);
  stats.accepted.Add(7);
  stats.ended[static_cast<size_t>(TaskState::kExpired)].Add(2);
  stats.refused[static_cast<size_t>(RefusalReason::kQueueFull)].Add(3);
  stats.CountViolation(Promise::kDeadline);
  stats.cores[1].queued[0].Set(4);
  stats.cores[0].stalls.Add(6);
  stats.cores[0].work_ahead_ns.Set(1'500'000'000);
  stats.starts_early.Record(1);
  stats.starts_late.Record(2);
  stats.starts_late.Record(3);
  stats.pool_refused.Count(RefusalReason::kQueueFull);
  stats.pool_refused.Count(RefusalReason::kQueueFull);
  stats.pool_refused.Count(RefusalReason::kSlotsFull);
  stats.pool_refused.Count(RefusalReason::kPayloadBytesFull);
  stats.door.sleeps.Add(9);
  stats.bounds.Set({.max_queue_depth = 11, .max_waiters = 12, .results_max_count = 13});
  stats.recent.Set({.executed = 2, .total_ns = 3'000'000'000});
  Written written;
  stats.Collect(written);
  EXPECT_EQ(written.values["weft_dispatch_accepted_total"], 7);
  EXPECT_EQ(written.values["weft_dispatch_ended_total{state=expired}"], 2);
  EXPECT_EQ(written.values["weft_dispatch_refused_total{reason=queue_full}"], 3);
  EXPECT_EQ(written.values["weft_promise_violations_total{promise=deadline}"], 1);
  EXPECT_EQ(written.values["weft_promise_violations_total{promise=order}"], 0);
  EXPECT_EQ(written.values["weft_dispatch_queue_depth{core=5}{priority=high}"], 4);
  EXPECT_EQ(written.values["weft_dispatch_queue_depth_max"], 11);
  EXPECT_EQ(written.values["weft_dispatch_waiters_max"], 12);
  EXPECT_EQ(written.values["weft_dispatch_results_kept_max"], 13);
  EXPECT_EQ(written.values["weft_dispatch_results_kept_max_bytes"], 64 * 1024 * 1024);
  EXPECT_EQ(written.values["weft_dispatch_in_flight_max_bytes"],
            static_cast<double>(DispatchOptions().max_in_flight_bytes));
  EXPECT_EQ(written.values["weft_dispatch_stalls_total{core=2}"], 6);
  EXPECT_EQ(written.values["weft_dispatch_work_ahead_seconds{core=2}"], 1.5);
  EXPECT_EQ(written.values["weft_dispatch_start_error_seconds{direction=early}"], 1);
  EXPECT_EQ(written.values["weft_dispatch_start_error_seconds{direction=late}"], 2);
  EXPECT_EQ(written.values["weft_dispatch_pool_refused_total{reason=queue_full}"], 2);
  EXPECT_EQ(written.values["weft_dispatch_pool_refused_total{reason=slots_full}"], 1);
  EXPECT_EQ(stats.pool_refused.total(), 3u) << "the bytes in flight are not the pool's";
  EXPECT_EQ(written.values["weft_dispatch_door_sleeps_total"], 9);
  EXPECT_EQ(written.values["weft_dispatch_execution_average_seconds{window=10s}"], 1.5);
  EXPECT_EQ(stats.Ended(), 2u);
  EXPECT_EQ(stats.Violations(), 1u);
}

}  // namespace
}  // namespace weft
