#pragma once

#include <string>
#include <vector>

#include "core/blocking_pool.h"
#include "core/stats.h"
#include "metrics/metric_source.h"

namespace weft {

// Writes what the cores and the blocking pool count of their file I/O: operations by kind over all
// cores, and over all threads of the pool; the fill of each core's ring by core.
class IoMetrics final : public MetricSource {
 public:
  struct CoreRow {
    int cpu = -1;
    const IoCounters* counters = nullptr;  // Outlives this.
  };

  // backend: "io_uring" or "threads". pool: null, or outlives this.
  IoMetrics(std::vector<CoreRow> cores, std::string backend, const BlockingPool* pool = nullptr);

  void Collect(MetricWriter& writer) const override;

 private:
  void CollectPool(MetricWriter& writer) const;

  const std::vector<CoreRow> cores_;
  const std::string backend_;
  const BlockingPool* const pool_;
};

}  // namespace weft
