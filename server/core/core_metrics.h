#pragma once

#include <string>
#include <vector>

#include "core/blocking_pool.h"
#include "core/stats.h"
#include "metrics/metric_source.h"

namespace weft {

// Writes what the cores count: latencies by handler and level over all cores, the rest by core.
class CoreMetrics final : public MetricSource {
 public:
  struct CoreRow {
    int cpu = -1;
    const CoreStats* stats = nullptr;    // Outlives this.
    uint32_t stacks = 0;                 // executor.stacks.
    const BlockingPool* pool = nullptr;  // Of the blocking pool's core; outlives this.
  };

  // handler_names: by TaskEntry::index.
  CoreMetrics(std::vector<CoreRow> cores, std::vector<std::string> handler_names);

  void Collect(MetricWriter& writer) const override;

 private:
  void CollectHandlers(MetricWriter& writer) const;
  static void CollectCore(MetricWriter& writer, const CoreRow& core);
  static void CollectPool(MetricWriter& writer, const CoreRow& core);

  const std::vector<CoreRow> cores_;
  const std::vector<std::string> handler_names_;
};

}  // namespace weft
