// Stalls reach the log by the handler's name, the newest of a CPU when the log is slow.
#include "daemon/stall_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/ostream_sink.h>

#include <future>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>

namespace weft {
namespace {

using testing::HasSubstr;
using testing::Not;

TaskEntry Entry(uint16_t index) {
  TaskEntry entry;
  entry.index = index;
  return entry;
}

TEST(StallLog, NamesTheHandlerAndItsCpu) {
  std::ostringstream out;
  Log log(LogLevel::kInfo, LogFormat::kText, std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  {
    StallLog stalls({"echo", "spin"}, 100, log);
    ASSERT_TRUE(stalls.Start().ok());
    stalls.OnStall(3, Entry(1), 125'000'000);
  }
  EXPECT_THAT(
      out.str(),
      HasSubstr(" warn handler_holds_core handler=spin cpu=3 held_ms=125 threshold_ms=100\n"));
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

TEST(StallLog, NeverHoldsUpTheDoorForASlowLog) {
  const auto sink = std::make_shared<StuckSink>();
  Log log(LogLevel::kInfo, LogFormat::kText, sink);
  {
    StallLog stalls({"echo", "spin"}, 100, log);
    ASSERT_TRUE(stalls.Start().ok());
    stalls.OnStall(0, Entry(0), 101'000'000);
    sink->stuck.get_future().wait();
    stalls.OnStall(0, Entry(1), 102'000'000);
    stalls.OnStall(1, Entry(1), 103'000'000);
    stalls.OnStall(0, Entry(1), 104'000'000);
    sink->let_go.set_value();
  }
  EXPECT_THAT(sink->out.str(), HasSubstr("held_ms=101"));
  EXPECT_THAT(sink->out.str(), Not(HasSubstr("held_ms=102")));
  EXPECT_THAT(sink->out.str(), HasSubstr("cpu=1 held_ms=103"));
  EXPECT_THAT(sink->out.str(), HasSubstr("cpu=0 held_ms=104"));
}

}  // namespace
}  // namespace weft
