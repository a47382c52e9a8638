// Stalls reach the log by the handler's name and with the stack of its thread, the newest of a CPU
// when the log is slow, a bounded number of them, and all are counted.
#include "daemon/dispatch_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/ostream_sink.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

namespace weft {
namespace {

using testing::HasSubstr;
using testing::Not;

TaskEntry Entry(uint16_t index) {
  TaskEntry entry;
  entry.index = index;
  return entry;
}

const TaskEntry kEcho = Entry(0);
const TaskEntry kSpin = Entry(1);

Stall MakeStall(uint32_t core, const TaskEntry& entry, int64_t held_ms) {
  return {.core = core,
          .cpu = static_cast<int>(core) + 3,
          .thread_id = 4711,
          .holder = {.entry = &entry, .since = held_ms},
          .held_ns = held_ms * 1'000'000,
          .threshold_ns = 100'000'000};
}

// Keeps the counters of one scrape, by their label.
class Outcomes final : public MetricWriter {
 public:
  void WriteCounter(const MetricDescription& /*metric*/, MetricLabels labels,
                    double value) override {
    counts[std::string(labels.begin()->value)] = value;
  }
  void WriteGauge(const MetricDescription&, MetricLabels, double) override {}
  void WriteHistogram(const MetricDescription&, MetricLabels, const HistogramSnapshot&) override {}

  std::map<std::string, double> counts;
};

double CountOf(const DispatchLog& stalls, const std::string& outcome) {
  Outcomes outcomes;
  stalls.Collect(outcomes);
  return outcomes.counts[outcome];
}

class DispatchLogTest : public testing::Test {
 protected:
  DispatchLogTest() {
    options_.handler_names = {"echo", "spin"};
    options_.trace = [](int thread_id) {
      return "Spin() < Run(" + std::to_string(thread_id) + ")";
    };
    options_.lasts = [](const Stall&) { return true; };
    options_.now_ns = [this] { return now_ns_.load(); };
  }

  // Until it has written all.
  static void Await(const DispatchLog& stalls, double lines) {
    while (CountOf(stalls, "traced") + CountOf(stalls, "untraced") + CountOf(stalls, "left_out") <
           lines) {
      std::this_thread::yield();
    }
  }

  DispatchLog::Options options_;
  std::atomic<int64_t> now_ns_{1};
  std::ostringstream out_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)};
};

TEST_F(DispatchLogTest, NamesTheHandlerItsCpuAndWhereItIs) {
  {
    DispatchLog stalls(options_, log_);
    ASSERT_TRUE(stalls.Start().ok());
    stalls.OnStall(MakeStall(0, kSpin, 125));
    Await(stalls, 1);
    EXPECT_EQ(CountOf(stalls, "traced"), 1);
  }
  EXPECT_THAT(out_.str(),
              HasSubstr(" warn handler_holds_core handler=spin cpu=3 held_ms=125 threshold_ms=100 "
                        "left_out=0 stack=\"Spin() < Run(4711)\"\n"));
}

TEST_F(DispatchLogTest, TracesNothingWhenTheHoldIsOver) {
  options_.lasts = [](const Stall&) { return false; };
  options_.trace = [](int) -> std::string {
    ADD_FAILURE() << "there is nobody to be interrupted";
    return "";
  };
  DispatchLog stalls(options_, log_);
  ASSERT_TRUE(stalls.Start().ok());
  stalls.OnStall(MakeStall(0, kSpin, 125));
  Await(stalls, 1);
  EXPECT_EQ(CountOf(stalls, "untraced"), 1);
  EXPECT_THAT(out_.str(), HasSubstr("stack=\"\"\n"));
}

TEST_F(DispatchLogTest, TakesNoStackForTheHoldersThatWasTracedAfterIt) {
  bool traced = false;
  options_.trace = [&traced](int) {
    traced = true;
    return std::string("Core::Rest()");
  };
  options_.lasts = [&traced](const Stall&) { return !traced; };
  DispatchLog stalls(options_, log_);
  ASSERT_TRUE(stalls.Start().ok());
  stalls.OnStall(MakeStall(0, kSpin, 125));
  Await(stalls, 1);
  EXPECT_EQ(CountOf(stalls, "untraced"), 1);
  EXPECT_THAT(out_.str(), Not(HasSubstr("Rest")));
}

TEST_F(DispatchLogTest, WritesABoundedNumberOfLinesAndTellsHowManyItLeftOut) {
  constexpr auto kMost = static_cast<double>(DispatchLog::kMostLines);
  DispatchLog stalls(options_, log_);
  ASSERT_TRUE(stalls.Start().ok());
  for (double i = 1; i <= kMost + 3; ++i) {
    stalls.OnStall(MakeStall(0, kSpin, 125));
    Await(stalls, i);
  }
  EXPECT_EQ(CountOf(stalls, "traced"), kMost);
  EXPECT_EQ(CountOf(stalls, "left_out"), 3);
  now_ns_ += DispatchLog::kWindowNs;
  stalls.OnStall(MakeStall(0, kEcho, 200));
  Await(stalls, kMost + 4);
  EXPECT_THAT(out_.str(), HasSubstr("handler=echo cpu=3 held_ms=200 threshold_ms=100 left_out=3"));
}

// A log whose reader is stuck in the first line until it is let go.
class StuckSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::promise<void> stuck, let_go;
  std::ostringstream out;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (out.str().empty()) {
      stuck.set_value();
      let_go.get_future().wait();
    }
    out << std::string_view(message.payload.data(), message.payload.size()) << '\n';
  }
  void flush_() override {}
};

TEST_F(DispatchLogTest, NeverHoldsUpTheDoorForASlowLog) {
  const auto sink = std::make_shared<StuckSink>();
  Log log(LogLevel::kInfo, LogFormat::kText, sink);
  {
    DispatchLog stalls(options_, log);
    ASSERT_TRUE(stalls.Start().ok());
    stalls.OnStall(MakeStall(0, kEcho, 101));
    sink->stuck.get_future().wait();
    stalls.OnStall(MakeStall(0, kSpin, 102));
    stalls.OnStall(MakeStall(1, kSpin, 103));
    stalls.OnStall(MakeStall(0, kSpin, 104));
    sink->let_go.set_value();
    Await(stalls, 4);
    EXPECT_EQ(CountOf(stalls, "left_out"), 1);
  }
  EXPECT_THAT(sink->out.str(), HasSubstr("held_ms=101"));
  EXPECT_THAT(sink->out.str(), Not(HasSubstr("held_ms=102")));
  EXPECT_THAT(sink->out.str(), HasSubstr("cpu=4 held_ms=103"));
  EXPECT_THAT(sink->out.str(), HasSubstr("cpu=3 held_ms=104"));
}

TEST_F(DispatchLogTest, TellsOfACoreThatIsNotThere) {
  {
    DispatchLog told(options_, log_);
    ASSERT_TRUE(told.Start().ok());
    told.OnAbsentCore(4'095, "spec.core");
  }
  EXPECT_THAT(out_.str(),
              HasSubstr("warn core_out_of_range field=spec.core core=4095 left_out=0\n"));
}

TEST_F(DispatchLogTest, TellsOfTheLastOfThoseCoresAndCountsTheOthers) {
  {
    // Not started yet, so that all of them wait.
    DispatchLog told(options_, log_);
    for (uint32_t core = 0; core < 1'000; ++core) told.OnAbsentCore(core, "filter.core");
    ASSERT_TRUE(told.Start().ok());
  }
  EXPECT_THAT(out_.str(), HasSubstr("field=filter.core core=999 left_out=999\n"));
}

TEST_F(DispatchLogTest, TellsOfEachCoreThatIsParkedOrTakenIn) {
  {
    DispatchLog told(options_, log_);
    ASSERT_TRUE(told.Start().ok());
    told.OnCoreChange({.cpu = 3, .active = 1, .least = 1, .busy_percent = 7});
    told.OnCoreChange({.cpu = 3,
                       .is_active = true,
                       .cause = CoreChange::Cause::kNoRoom,
                       .active = 2,
                       .least = 1,
                       .busy_percent = 100,
                       .queued = 12});
  }
  EXPECT_THAT(out_.str(), HasSubstr("info core_parked cpu=3 cause=load active=1 active_min=1 "
                                    "busy_percent=7 queued=0 left_out=0\n"));
  EXPECT_THAT(out_.str(), HasSubstr("info core_unparked cpu=3 cause=no_room active=2 active_min=1 "
                                    "busy_percent=100 queued=12 left_out=0\n"));
}

TEST_F(DispatchLogTest, KeepsABoundedNumberOfChangesAndTellsHowManyItLeftOut) {
  {
    DispatchLog told(options_, log_);
    for (int i = 0; i < 1'000; ++i) told.OnCoreChange({.cpu = i});
    ASSERT_TRUE(told.Start().ok());
  }
  const int last = static_cast<int>(DispatchLog::kMostChanges) - 1;
  EXPECT_THAT(out_.str(), HasSubstr("cpu=" + std::to_string(last) + " "));
  EXPECT_THAT(out_.str(), Not(HasSubstr("cpu=" + std::to_string(last + 1) + " ")));
  EXPECT_THAT(out_.str(), HasSubstr("left_out=" + std::to_string(999 - last) + "\n"));
}

}  // namespace
}  // namespace weft
