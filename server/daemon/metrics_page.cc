#include "daemon/metrics_page.h"

#include <time.h>

namespace weft {
namespace {

int64_t ThreadCpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

MetricsPage::MetricsPage(std::string version, std::vector<const MetricSource*> sources)
    : own_(std::move(version)), exporter_(With(std::move(sources), own_)) {}

std::string MetricsPage::Render() {
  const int64_t began_ns = ThreadCpuNs();
  std::string page = exporter_.Serialize();
  own_.scrape_cpu_ns.fetch_add(ThreadCpuNs() - began_ns, std::memory_order_relaxed);
  return page;
}

void MetricsPage::Own::Collect(MetricWriter& writer) const {
  writer.WriteGauge({"weft_build_info", "Always 1; the labels tell what is running."},
                    {{"version", version_}, {"compiler", __VERSION__}}, 1);
  writer.WriteCounter({"weft_daemon_scrape_cpu_seconds_total",
                       "CPU time spent on rendering this page, this time not included."},
                      {}, SecondsFromNs(scrape_cpu_ns.load(std::memory_order_relaxed)));
}

std::vector<const MetricSource*> MetricsPage::With(std::vector<const MetricSource*> sources,
                                                   const MetricSource& own) {
  sources.insert(sources.begin(), &own);
  return sources;
}

}  // namespace weft
