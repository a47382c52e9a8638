#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <vector>

#include "tests/daemon/daemon_test.h"

// Proves that bytes which are no protocol, and connections which say nothing, on either port, cost
// the daemon a connection and nothing else.
namespace weft {
namespace {

class HostileTest : public DaemonTest {
 protected:
  void TearDown() override {
    CloseAll();
    const auto result = Run(Spec("echo", "still here"));
    EXPECT_TRUE(result.ok() && result->output() == "still here") << result.status();
    EXPECT_EQ(HttpGet(daemon_->web_address(), "/healthz").status, 200);
    DaemonTest::TearDown();
  }
  // Sends what the peer takes of it and leaves the connection open.
  void SendAndStay(const std::string& address, const std::string& bytes) {
    const int fd = ConnectTcp(address);
    ASSERT_GE(fd, 0);
    open_.push_back(fd);
    if (!bytes.empty()) (void)!send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void CloseAll() {
    for (const int fd : open_) close(fd);
    open_.clear();
  }
  // Whether the daemon has had to put off accepting.
  bool HasBeenShort() const {
    const std::string page = HttpGet(daemon_->web_address(), "/metrics").body;
    const std::string name = "\nweft_rpc_accept_shortages_total ";
    return page.find(name) != std::string::npos && page.find(name + "0\n") == std::string::npos;
  }
  std::vector<std::string> Ports() const {
    return {daemon_->rpc_address(), daemon_->web_address()};
  }

 private:
  std::vector<int> open_;
};

TEST_F(HostileTest, RandomBytesOnBothPorts) {
  Start();
  std::mt19937 random(20261121);
  for (int round = 0; round < 20; ++round) {
    std::string bytes(1 + random() % 5000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    for (const std::string& port : Ports()) SendAndStay(port, bytes);
  }
}

TEST_F(HostileTest, AnHttp2PrefaceAndThenNonsense) {
  Start();
  for (int round = 0; round < 20; ++round) {
    const std::string frame(static_cast<size_t>(9 + round), static_cast<char>(0xf0 + round));
    SendAndStay(daemon_->rpc_address(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame);
  }
}

TEST_F(HostileTest, EachProtocolOnTheOthersPort) {
  Start();
  EXPECT_NE(HttpGet(daemon_->rpc_address(), "/metrics").status, 200);
  SendAndStay(daemon_->web_address(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
}

TEST_F(HostileTest, ConnectionsThatSayNothingOrStopMidway) {
  Start();
  for (int round = 0; round < 50; ++round) {
    SendAndStay(daemon_->rpc_address(), round % 2 == 0 ? "" : "PRI * HTT");
  }
  // The web server has few threads, and each such connection holds one until it times out.
  SendAndStay(daemon_->web_address(), "");
  SendAndStay(daemon_->web_address(), "GET /metr");
}

// So many that the daemon has no descriptor left and some wait to be accepted; then they all go. No
// page can be read meanwhile, so it is asked afterwards whether the daemon was short.
TEST_F(HostileTest, MoreConnectionsThanItHasDescriptorsForAreServedOnceThereAreSome) {
  constexpr size_t kOpenFiles = 128;
  daemon_ = std::make_unique<DaemonProcess>(
      DaemonProcess::Options{.settings = {"executor.worker_threads=1"}, .open_files = kOpenFiles});
  ASSERT_TRUE(daemon_->WaitReady());
  client_ = daemon_->Connect();
  ASSERT_EQ(Run(Spec("noop"))->state(), v1::TASK_STATE_SUCCEEDED);
  do {
    for (size_t i = 0; i < 2 * kOpenFiles; ++i) SendAndStay(daemon_->rpc_address(), "");
    ASSERT_TRUE(daemon_->WaitForOpenFiles(kOpenFiles));
    CloseAll();
  } while (!HasBeenShort());
  client_ = daemon_->Connect();
  EXPECT_EQ(Run(Spec("echo", "new"))->output(), "new");
}

TEST_F(HostileTest, HalfOpenConnectionsDoNotKeepItFromEnding) {
  Start();
  for (const std::string& port : Ports()) SendAndStay(port, "");
  EXPECT_EQ(Run(Spec("noop"))->state(), v1::TASK_STATE_SUCCEEDED);
}

}  // namespace
}  // namespace weft
