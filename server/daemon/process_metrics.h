#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "metrics/metric_source.h"

namespace weft {

// What this process takes of the machine, under the names that all Prometheus clients use, and
// whether the daemon is ready. Owned by the daemon. Any thread; reads /proc/self when it is asked,
// and leaves out what it cannot read.
class ProcessMetrics final : public MetricSource {
 public:
  // is_ready: any thread.
  explicit ProcessMetrics(std::function<bool()> is_ready);

  void Collect(MetricWriter& writer) const override;

 private:
  const std::function<bool()> is_ready_;
  const int64_t started_unix_ns_;
};

}  // namespace weft
