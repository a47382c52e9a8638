// What the page tells of the process: under the names of the other clients, in base units.
#include "daemon/process_metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace weft {
namespace {

class Recorder final : public MetricWriter {
 public:
  void WriteCounter(const MetricDescription& metric, MetricLabels, double value) override {
    values[std::string(metric.name)] = value;
  }
  void WriteGauge(const MetricDescription& metric, MetricLabels, double value) override {
    values[std::string(metric.name)] = value;
  }
  void WriteHistogram(const MetricDescription&, MetricLabels, const HistogramSnapshot&) override {}

  std::map<std::string, double> values;
};

TEST(ProcessMetrics, TellsWhatTheProcessTakes) {
  Recorder recorder;
  ProcessMetrics([] { return true; }).Collect(recorder);
  EXPECT_GT(recorder.values["process_cpu_seconds_total"], 0);
  EXPECT_GT(recorder.values["process_resident_memory_bytes"], 1024 * 1024);
  EXPECT_GE(recorder.values["process_virtual_memory_bytes"],
            recorder.values["process_resident_memory_bytes"]);
  EXPECT_GE(recorder.values["process_open_fds"], 3);
  EXPECT_GE(recorder.values["process_max_fds"], recorder.values["process_open_fds"]);
  EXPECT_GT(recorder.values["process_start_time_seconds"], 1.6e9);
}

TEST(ProcessMetrics, TellsWhetherTheDaemonIsReady) {
  bool is_ready = false;
  const ProcessMetrics metrics([&] { return is_ready; });
  Recorder recorder;
  metrics.Collect(recorder);
  EXPECT_EQ(recorder.values["weft_daemon_ready"], 0);
  is_ready = true;
  metrics.Collect(recorder);
  EXPECT_EQ(recorder.values["weft_daemon_ready"], 1);
}

}  // namespace
}  // namespace weft
