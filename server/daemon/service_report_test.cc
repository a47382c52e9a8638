// What the service manager is told tick by tick; time and readings are given by hand.
#include "daemon/service_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <optional>
#include <sstream>

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;

class ServiceReportTest : public testing::Test {
 protected:
  ServiceReportTest() {
    reading_.phase = DrainPhase::kRunning;
    reading_.cores.resize(1);
    reading_.stop_limit_ns = 18 * kSecond;
  }

  void Make(int64_t watchdog_interval_ns) {
    ServiceReport::Options options;
    options.watchdog_interval_ns = watchdog_interval_ns;
    options.cpus = {3};
    report_.emplace(std::move(options), notifier_, log_);
  }
  // What was sent by the next tick, so long after the last, with Door and core turning unless told
  // otherwise.
  std::vector<std::string> Tick(int64_t after_ns = kSecond, bool door_turns = true,
                                bool core_turns = true) {
    sent_.clear();
    now_ns_ += after_ns;
    reading_.door.beats += door_turns ? 1 : 0;
    reading_.cores[0].beats += core_turns ? 1 : 0;
    report_->Tick(reading_, now_ns_);
    return sent_;
  }

  std::vector<std::string> sent_;
  std::ostringstream log_text_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
  const Notifier notifier_{[this](const std::string& lines) { sent_.push_back(lines); }};
  ServiceReading reading_;
  int64_t now_ns_ = 1'000 * kSecond;
  std::optional<ServiceReport> report_;
};

TEST(StatusText, SaysWhatTheDaemonDoes) {
  ServiceReading reading;
  reading.cores.resize(1);
  reading.in_flight = 12;
  EXPECT_EQ(StatusText(reading, 0), "starting");
  reading.phase = DrainPhase::kRunning;
  EXPECT_EQ(StatusText(reading, 34'567), "ready: 1 core, 12 in flight, 34,567/s");
  reading.cores.resize(12);
  reading.in_flight = 1'234'567;
  EXPECT_EQ(StatusText(reading, 999), "ready: 12 cores, 1,234,567 in flight, 999/s");
  reading.phase = DrainPhase::kDraining;
  EXPECT_EQ(StatusText(reading, 5), "draining: 1,234,567 in flight");
  reading.phase = DrainPhase::kEnded;
  EXPECT_EQ(StatusText(reading, 5), "ended");
}

TEST_F(ServiceReportTest, TellsOfTheStartOnceItIsOver) {
  Make(0);
  reading_.phase = DrainPhase::kStarting;
  EXPECT_THAT(Tick(), IsEmpty());
  reading_.phase = DrainPhase::kRunning;
  EXPECT_THAT(Tick(), ElementsAre("READY=1\nSTATUS=ready: 1 core, 0 in flight, 0/s"));
  EXPECT_THAT(Tick(), IsEmpty());
}

TEST_F(ServiceReportTest, KeepsTheStatusCurrentAtMostOnceASecond) {
  Make(0);
  Tick();
  reading_.in_flight = 7;
  reading_.ended = 30'000;
  EXPECT_THAT(Tick(kSecond / 2), IsEmpty());
  reading_.ended = 60'000;
  EXPECT_THAT(Tick(kSecond), ElementsAre("STATUS=ready: 1 core, 7 in flight, 40,000/s"));
  EXPECT_THAT(Tick(kSecond), ElementsAre("STATUS=ready: 1 core, 7 in flight, 0/s"));
  EXPECT_THAT(Tick(kSecond), IsEmpty());
}

TEST_F(ServiceReportTest, TellsOfTheDrainOnceAndHowLongItMayTake) {
  Make(0);
  Tick();
  reading_.phase = DrainPhase::kDraining;
  reading_.in_flight = 2;
  EXPECT_THAT(Tick(1), ElementsAre("STOPPING=1\nSTATUS=draining: 2 in flight\n"
                                   "EXTEND_TIMEOUT_USEC=18000000"));
  reading_.in_flight = 1;
  EXPECT_THAT(Tick(), ElementsAre("STATUS=draining: 1 in flight"));
  reading_.phase = DrainPhase::kEnded;
  EXPECT_THAT(Tick(), ElementsAre("STATUS=ended"));
}

TEST_F(ServiceReportTest, TellsOfTheStartBeforeAnEndThatCameFirst) {
  Make(0);
  reading_.phase = DrainPhase::kDraining;
  EXPECT_THAT(Tick(), ElementsAre(HasSubstr("READY=1"), HasSubstr("STOPPING=1")));
}

TEST_F(ServiceReportTest, TicksFourTimesAWatchdogIntervalAndAtLeastOnceASecond) {
  Make(0);
  EXPECT_EQ(report_->tick_ns(), kSecond);
  Make(10 * kSecond);
  EXPECT_EQ(report_->tick_ns(), kSecond);
  Make(2 * kSecond);
  EXPECT_EQ(report_->tick_ns(), kSecond / 2);
  Make(1);
  EXPECT_GT(report_->tick_ns(), 0);
}

TEST_F(ServiceReportTest, FeedsOnlyAManagerThatWatches) {
  Make(4 * kSecond);
  EXPECT_THAT(Tick(), ElementsAre("WATCHDOG=1", HasSubstr("READY=1")));
  EXPECT_THAT(Tick(), ElementsAre("WATCHDOG=1"));
}

TEST_F(ServiceReportTest, StopsFeedingWhenTheDoorIsStuckAndSaysSoOnce) {
  Make(4 * kSecond);
  Tick();
  EXPECT_THAT(Tick(kSecond, false), ElementsAre("WATCHDOG=1"));
  EXPECT_THAT(Tick(kSecond, false), ElementsAre("STATUS=stuck: the Door does not turn"));
  EXPECT_THAT(Tick(kSecond, false), IsEmpty());
  EXPECT_THAT(log_text_.str(), HasSubstr(" error watchdog_not_fed thread=\"the Door\" meaning="));
  EXPECT_THAT(Tick(), ElementsAre("WATCHDOG=1", "STATUS=ready: 1 core, 0 in flight, 0/s"));
}

TEST_F(ServiceReportTest, NamesTheCpuOfACoreThatIsStuck) {
  Make(4 * kSecond);
  Tick();
  Tick(kSecond, true, false);
  EXPECT_THAT(Tick(kSecond, true, false),
              ElementsAre("STATUS=stuck: the core on CPU 3 does not turn"));
}

TEST_F(ServiceReportTest, FeedsWhileAHandlerHoldsTheCore) {
  Make(4 * kSecond);
  Tick();
  reading_.cores[0].held = true;
  for (int i = 0; i < 100; ++i) EXPECT_THAT(Tick(kSecond, true, false), ElementsAre("WATCHDOG=1"));
}

TEST_F(ServiceReportTest, FeedsThroughAStartAndAnEndWhereNothingTurns) {
  Make(4 * kSecond);
  reading_.phase = DrainPhase::kStarting;
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Tick(kSecond, false, false), ElementsAre("WATCHDOG=1"));
  }
  reading_.phase = DrainPhase::kEnded;
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Tick(kSecond, false, false), testing::Contains("WATCHDOG=1"));
  }
}

}  // namespace
}  // namespace weft
