// Proves the page by its text, line by line, as a scraper reads it.
#include "metrics/exporter.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "metrics/histogram.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class OneCore : public MetricSource {
 public:
  OneCore(std::string core, double executed) : core_(std::move(core)), executed_(executed) {}

  void Collect(MetricWriter& writer) const override {
    writer.WriteCounter({"weft_core_executed_total", "Tasks that ended."}, {{"core", core_}},
                        executed_);
    writer.WriteGauge({"weft_core_depth", "Tasks that wait."}, {{"core", core_}}, 7);
  }

 private:
  std::string core_;
  double executed_;
};

class OneHistogram : public MetricSource {
 public:
  Histogram histogram;

  void Collect(MetricWriter& writer) const override {
    writer.WriteHistogram({"weft_core_execution_seconds", "Execution time."},
                          {{"handler", "noop"}, {"level", "high"}}, histogram.Snapshot());
  }
};

size_t Occurrences(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Exporter, IsEmptyWithoutSources) { EXPECT_EQ(Exporter({}).Serialize(), ""); }

TEST(Exporter, JoinsOneFamilyOfSeveralSources) {
  const OneCore first("0", 41);
  const OneCore second("1", 42);
  const std::string page = Exporter({&first, &second}).Serialize();
  EXPECT_EQ(Occurrences(page, "# HELP weft_core_executed_total Tasks that ended.\n"), 1u);
  EXPECT_EQ(Occurrences(page, "# TYPE weft_core_executed_total counter\n"), 1u);
  EXPECT_EQ(Occurrences(page, "# TYPE weft_core_depth gauge\n"), 1u);
  EXPECT_THAT(page, HasSubstr("weft_core_executed_total{core=\"0\"} 41\n"));
  EXPECT_THAT(page, HasSubstr("weft_core_executed_total{core=\"1\"} 42\n"));
  EXPECT_THAT(page, HasSubstr("weft_core_depth{core=\"1\"} 7\n"));
}

TEST(Exporter, WritesHistogramsInSeconds) {
  OneHistogram source;
  for (const int64_t ns : {int64_t{700}, int64_t{900}, int64_t{1'500}, int64_t{3'000'000'000}})
    source.histogram.Record(ns);
  const std::string page = Exporter({&source}).Serialize();
  const std::string labels = "handler=\"noop\",level=\"high\"";
  const std::string name = "weft_core_execution_seconds";
  EXPECT_THAT(page, HasSubstr("# TYPE " + name + " histogram\n"));
  EXPECT_THAT(page, HasSubstr(name + "_bucket{" + labels + ",le=\"1e-06\"} 2\n"));
  EXPECT_THAT(page, HasSubstr(name + "_bucket{" + labels + ",le=\"2e-06\"} 3\n"));
  EXPECT_THAT(page, HasSubstr(name + "_bucket{" + labels + ",le=\"2\"} 3\n"));
  EXPECT_THAT(page, HasSubstr(name + "_bucket{" + labels + ",le=\"5\"} 4\n"));
  EXPECT_THAT(page, HasSubstr(name + "_bucket{" + labels + ",le=\"60\"} 4\n"));
  EXPECT_THAT(page, HasSubstr(name + "_bucket{" + labels + ",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(page, HasSubstr(name + "_count{" + labels + "} 4\n"));
  EXPECT_THAT(page, HasSubstr(name + "_sum{" + labels + "} 3.0000031\n"));
}

TEST(Exporter, CountsWhatIsBeyondTheLastBoundOnlyAsInfinity) {
  OneHistogram source;
  source.histogram.Record(100'000'000'000);
  const std::string page = Exporter({&source}).Serialize();
  EXPECT_THAT(page, HasSubstr("le=\"60\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("le=\"+Inf\"} 1\n"));
}

TEST(Exporter, EscapesLabelValues) {
  const OneCore source("a\"b\\c\nd", 1);
  EXPECT_THAT(Exporter({&source}).Serialize(), HasSubstr("core=\"a\\\"b\\\\c\\nd\""));
}

}  // namespace
}  // namespace weft
