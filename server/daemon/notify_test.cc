// What a service manager receives, over a socket of its protocol; and nothing where none listens.
#include "daemon/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "sys/fd.h"

namespace weft {
namespace {

// The manager's end; $NOTIFY_SOCKET leads to it while it lives.
class ManagerSocket {
 public:
  ManagerSocket() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // In the abstract namespace, so that no file is left behind.
    const std::string name = absl::StrCat("weft-notify-test-", getpid());
    name.copy(address.sun_path + 1, name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  ~ManagerSocket() { unsetenv("NOTIFY_SOCKET"); }

  // The next message; empty when there is none.
  std::string Read() {
    char text[1024];
    const ssize_t size = recv(fd_.get(), text, sizeof(text), 0);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  sys::Fd fd_;
};

TEST(Notifier, TellsTheManagerEachStepOfALife) {
  ManagerSocket manager;
  const Notifier notifier;
  ASSERT_TRUE(notifier.has_listener());
  notifier.Ready("ready: 1 core");
  EXPECT_EQ(manager.Read(), "READY=1\nSTATUS=ready: 1 core");
  notifier.Status("ready: 12 in flight");
  EXPECT_EQ(manager.Read(), "STATUS=ready: 12 in flight");
  notifier.FeedWatchdog();
  EXPECT_EQ(manager.Read(), "WATCHDOG=1");
  notifier.Reloading(5'000'000'123);
  EXPECT_EQ(manager.Read(), "RELOADING=1\nMONOTONIC_USEC=5000000");
  notifier.Reloaded();
  EXPECT_EQ(manager.Read(), "READY=1");
  notifier.Stopping("draining: 3 in flight", 15'000'000'000);
  EXPECT_EQ(manager.Read(),
            "STOPPING=1\nSTATUS=draining: 3 in flight\nEXTEND_TIMEOUT_USEC=15000000");
}

TEST(Notifier, SaysNothingWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  const Notifier notifier;
  EXPECT_FALSE(notifier.has_listener());
  notifier.Ready("");
  notifier.Status("");
  notifier.FeedWatchdog();
  notifier.Reloading(0);
  notifier.Reloaded();
  notifier.Stopping("", 0);
}

TEST(Notifier, OutlivesAManagerThatIsGone) {
  setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  const Notifier notifier;
  notifier.Ready("ready");
  unsetenv("NOTIFY_SOCKET");
}

TEST(WatchdogInterval, IsWhatTheManagerSays) {
  setenv("WATCHDOG_USEC", "10000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(WatchdogIntervalNs(), 10'000'000'000);
}

TEST(WatchdogInterval, IsNoneWithoutAManagerOrForAnotherProcess) {
  unsetenv("WATCHDOG_USEC");
  EXPECT_EQ(WatchdogIntervalNs(), 0);
  setenv("WATCHDOG_USEC", "10000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(WatchdogIntervalNs(), 0);
}

}  // namespace
}  // namespace weft
