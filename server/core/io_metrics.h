#pragma once

#include <string>
#include <vector>

#include "core/stats.h"
#include "metrics/metric_source.h"

namespace weft {

// Writes what the cores count of their file I/O: operations by kind over all cores, the fill of
// each core's ring by core.
class IoMetrics final : public MetricSource {
 public:
  struct CoreRow {
    int cpu = -1;
    const IoCounters* counters = nullptr;  // Outlives this.
  };

  // backend: "io_uring" or "threads".
  IoMetrics(std::vector<CoreRow> cores, std::string backend);

  void Collect(MetricWriter& writer) const override;

 private:
  const std::vector<CoreRow> cores_;
  const std::string backend_;
};

}  // namespace weft
