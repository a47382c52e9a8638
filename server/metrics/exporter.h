#pragma once

#include <string>
#include <utility>
#include <vector>

#include "metrics/metric_source.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace weft {

// Turns MetricSources into what Prometheus scrapes. Owned by the daemon; any thread, several
// scrapes may run at once. The sources must outlive it.
class Exporter : public prometheus::Collectable {
 public:
  explicit Exporter(std::vector<const MetricSource*> sources) : sources_(std::move(sources)) {}

  // Families in the order of their first appearance; a family that several sources write is one.
  std::vector<prometheus::MetricFamily> Collect() const override;

  // The page, in the text format 0.0.4.
  std::string Serialize() const;

 private:
  const std::vector<const MetricSource*> sources_;
};

}  // namespace weft
