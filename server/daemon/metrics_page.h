#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "metrics/exporter.h"
#include "metrics/metric_source.h"

namespace weft {

// The page that /metrics shows: what all sources count, what weftd is, and what the page itself
// costs. Owned by the daemon. Any thread, several scrapes at once.
class MetricsPage {
 public:
  // The sources outlive the page.
  MetricsPage(std::string version, std::vector<const MetricSource*> sources);

  std::string Render();

 private:
  class Own final : public MetricSource {
   public:
    explicit Own(std::string version) : version_(std::move(version)) {}
    void Collect(MetricWriter& writer) const override;

    std::atomic<int64_t> scrape_cpu_ns{0};

   private:
    const std::string version_;
  };

  static std::vector<const MetricSource*> With(std::vector<const MetricSource*> sources,
                                               const MetricSource& own);

  Own own_;
  const Exporter exporter_;
};

}  // namespace weft
