#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "metrics/histogram.h"

namespace weft {

// A metric's name and what it says about itself. Names are weft_<folder>_<thing>_<unit> in base
// units (_seconds, _bytes), counters end in _total. One name always goes with one kind and help.
struct MetricDescription {
  std::string_view name;
  std::string_view help;
};

// Few, with few values each, and never an id.
struct MetricLabel {
  std::string_view name;
  std::string_view value;
};

using MetricLabels = std::initializer_list<MetricLabel>;

constexpr double SecondsFromNs(int64_t ns) { return static_cast<double>(ns) / 1e9; }

// Takes the numbers of one scrape. A metric and its labels may be written once a scrape; different
// sources may write the same metric with different labels. Views need to live only for the call.
class MetricWriter {
 public:
  virtual ~MetricWriter() = default;

  virtual void WriteCounter(const MetricDescription& metric, MetricLabels labels, double value) = 0;
  virtual void WriteGauge(const MetricDescription& metric, MetricLabels labels, double value) = 0;
  // The metric's unit is seconds.
  virtual void WriteHistogram(const MetricDescription& metric, MetricLabels labels,
                              const HistogramSnapshot& snapshot) = 0;
};

// Something that counts. Each folder's stats.h implements it.
class MetricSource {
 public:
  virtual ~MetricSource() = default;

  // Any thread, beside the owner that counts: reads cells and snapshots only.
  virtual void Collect(MetricWriter& writer) const = 0;
};

}  // namespace weft
