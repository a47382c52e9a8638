#include "metrics/exporter.h"

#include <array>
#include <cassert>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "prometheus/client_metric.h"
#include "prometheus/metric_type.h"
#include "prometheus/text_serializer.h"

namespace weft {
namespace {

// 200 ns to 60 s in steps of 1-2-5.
constexpr std::array<uint64_t, 27> kBucketBoundsNs = {200,
                                                      500,
                                                      1'000,
                                                      2'000,
                                                      5'000,
                                                      10'000,
                                                      20'000,
                                                      50'000,
                                                      100'000,
                                                      200'000,
                                                      500'000,
                                                      1'000'000,
                                                      2'000'000,
                                                      5'000'000,
                                                      10'000'000,
                                                      20'000'000,
                                                      50'000'000,
                                                      100'000'000,
                                                      200'000'000,
                                                      500'000'000,
                                                      1'000'000'000,
                                                      2'000'000'000,
                                                      5'000'000'000,
                                                      10'000'000'000,
                                                      20'000'000'000,
                                                      50'000'000'000,
                                                      60'000'000'000};

prometheus::ClientMetric WithLabels(MetricLabels labels) {
  prometheus::ClientMetric metric;
  for (const MetricLabel& label : labels) {
    metric.label.push_back({std::string(label.name), std::string(label.value)});
  }
  return metric;
}

class FamilyWriter : public MetricWriter {
 public:
  void WriteCounter(const MetricDescription& metric, MetricLabels labels, double value) override {
    prometheus::ClientMetric sample = WithLabels(labels);
    sample.counter.value = value;
    Family(metric, prometheus::MetricType::Counter).metric.push_back(std::move(sample));
  }

  void WriteGauge(const MetricDescription& metric, MetricLabels labels, double value) override {
    prometheus::ClientMetric sample = WithLabels(labels);
    sample.gauge.value = value;
    Family(metric, prometheus::MetricType::Gauge).metric.push_back(std::move(sample));
  }

  void WriteHistogram(const MetricDescription& metric, MetricLabels labels,
                      const HistogramSnapshot& snapshot) override {
    prometheus::ClientMetric sample = WithLabels(labels);
    sample.histogram.sample_count = snapshot.count;
    sample.histogram.sample_sum = static_cast<double>(snapshot.sum_ns) / 1e9;
    for (const uint64_t bound_ns : kBucketBoundsNs) {
      sample.histogram.bucket.push_back(
          {snapshot.CountAtMost(bound_ns), static_cast<double>(bound_ns) / 1e9});
    }
    Family(metric, prometheus::MetricType::Histogram).metric.push_back(std::move(sample));
  }

  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  prometheus::MetricFamily& Family(const MetricDescription& metric, prometheus::MetricType type) {
    std::string name(metric.name);
    const auto [entry, added] = index_.try_emplace(name, families_.size());
    if (added) families_.push_back({std::move(name), std::string(metric.help), type, {}});
    prometheus::MetricFamily& family = families_[entry->second];
    assert(family.type == type && "one metric name, two kinds");
    return family;
  }

  std::vector<prometheus::MetricFamily> families_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace

std::vector<prometheus::MetricFamily> Exporter::Collect() const {
  FamilyWriter writer;
  for (const MetricSource* source : sources_) source->Collect(writer);
  return writer.Take();
}

std::string Exporter::Serialize() const {
  return prometheus::TextSerializer().Serialize(Collect());
}

}  // namespace weft
