// The page of /metrics: the build, the sources' numbers, and what rendering cost.
#include "daemon/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using testing::HasSubstr;

class OneCounter final : public MetricSource {
 public:
  void Collect(MetricWriter& writer) const override {
    writer.WriteCounter({"weft_test_things_total", "Things."}, {{"kind", "a"}}, 7);
  }
};

TEST(MetricsPage, ShowsTheBuildAndEverySource) {
  const OneCounter source;
  MetricsPage page("1.2.3", {&source});
  const std::string text = page.Render();
  EXPECT_THAT(text, HasSubstr("weft_build_info{version=\"1.2.3\""));
  EXPECT_THAT(text, HasSubstr("weft_test_things_total{kind=\"a\"} 7"));
}

TEST(MetricsPage, TellsItsOwnCpuTimeFromTheSecondTimeOn) {
  MetricsPage page("1.2.3", {});
  EXPECT_THAT(page.Render(), HasSubstr("weft_daemon_scrape_cpu_seconds_total 0\n"));
  EXPECT_THAT(page.Render(), testing::Not(HasSubstr("weft_daemon_scrape_cpu_seconds_total 0\n")));
}

}  // namespace
}  // namespace weft
