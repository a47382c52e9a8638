// The thread looks at once when it is hurried, and ends without waiting for its next tick.
#include "daemon/notify_thread.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>

namespace weft {
namespace {

TEST(NotifyThread, LooksAtOnceWhenHurried) {
  std::promise<void> ready, stopping;
  const Notifier notifier([&](const std::string& lines) {
    if (lines.find("READY=1") == 0) ready.set_value();
    if (lines.find("STOPPING=1") == 0) stopping.set_value();
  });
  Log log(LogLevel::kInfo, LogFormat::kText, std::make_shared<spdlog::sinks::null_sink_mt>());
  std::atomic<DrainPhase> phase{DrainPhase::kStarting};
  const auto read = [&phase] {
    ServiceReading reading;
    reading.phase = phase.load();
    return reading;
  };
  // The ticks of its own are a second apart; the test's time limit ends a wait in vain.
  NotifyThread thread(ServiceReport({}, notifier, log), read);
  ASSERT_TRUE(thread.Start().ok());
  phase.store(DrainPhase::kRunning);
  thread.Hurry();
  ready.get_future().wait();
  phase.store(DrainPhase::kDraining);
  thread.Hurry();
  stopping.get_future().wait();
}

}  // namespace
}  // namespace weft
