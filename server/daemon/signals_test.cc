// Signals reach the watcher and nothing else, in a child process of their own.
#include "daemon/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace weft {
namespace {

// Sends itself each signal in turn and waits until the watcher has seen it.
void WatchAll() {
  BlockSignals();
  std::mutex mutex;
  std::condition_variable seen_more;
  std::vector<int> seen;
  {
    SignalWatcher watcher([&](int signal) {
      const std::lock_guard lock(mutex);
      seen.push_back(signal);
      seen_more.notify_one();
    });
    if (!watcher.Start().ok()) std::_Exit(2);
    raise(SIGPIPE);
    for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGTERM}) {
      kill(getpid(), signal);
      std::unique_lock lock(mutex);
      seen_more.wait(lock, [&] { return !seen.empty() && seen.back() == signal; });
    }
  }
  std::_Exit(seen == std::vector<int>{SIGHUP, SIGTERM, SIGINT, SIGTERM} ? 0 : 1);
}

TEST(Signals, ReachTheWatcherInsteadOfEndingTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(WatchAll(), testing::ExitedWithCode(0), "");
}

TEST(Signals, WatcherEndsWithoutASignal) {
  SignalWatcher watcher([](int) { ADD_FAILURE() << "no signal was sent"; });
  ASSERT_TRUE(watcher.Start().ok());
}

}  // namespace
}  // namespace weft
