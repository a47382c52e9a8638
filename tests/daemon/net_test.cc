#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "sys/loopback_fixture.h"
#include "tests/daemon/daemon_test.h"

// Proves that the daemon talks to the hosts it is configured for, with either backend, over gRPC
// and by the command line: right answers from a server of this test, and for a host that is not
// named, an answer that is too long and a server that is too slow a failure with the key that
// helps; that it does not start with a pattern that is none; and that a drain ends what waits.
namespace weft {
namespace {

constexpr int kExitConfig = 78;

using sys::Fd;

class NetDaemonTest : public DaemonTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    listener_ = sys::ListenOnLoopback();
    whom_ = sys::AddressOf(listener_).Text();
  }
  // With the backend that is the parameter; skipped where the kernel refuses io_uring.
  void StartAllowing(const std::string& hosts, std::vector<std::string> settings = {}) {
    settings.push_back("handlers.net_allow=" + hosts);
    Start(settings);
    const auto stats = client_->GetStats();
    ASSERT_TRUE(stats.ok()) << stats.status();
    if (stats->io().backend() == GetParam()) return;
    if (stats->io().backend() == "threads") GTEST_SKIP() << stats->io().fallback_reason();
    daemon_->Terminate();
    settings.push_back("io.backend=\"threads\"");
    Start(settings);
  }
  Fd AcceptOne() { return Fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  static std::string ReadUntil(const Fd& fd, std::string_view mark) {
    std::string all;
    char byte = 0;
    while (!all.ends_with(mark) && recv(fd.get(), &byte, 1, 0) == 1) all.push_back(byte);
    return all;
  }
  static void Answer(const Fd& fd, const std::string& response) {
    EXPECT_EQ(send(fd.get(), response.data(), response.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(response.size()));
    shutdown(fd.get(), SHUT_WR);
  }
  v1::TaskResult Get(const std::string& response) {
    const uint64_t id = MustSubmit(Spec("http.get", "http://" + whom_ + "/path?a=b"));
    const Fd peer = AcceptOne();
    request_ = ReadUntil(peer, "\r\n\r\n");
    Answer(peer, response);
    return MustWait(id);
  }
  static void ExpectFailed(const v1::TaskResult& result, v1::TaskErrorCode code,
                           const std::string& words) {
    ExpectEnded(result, v1::TASK_STATE_FAILED);
    EXPECT_EQ(result.error().code(), code);
    EXPECT_NE(result.error().message().find(words), std::string::npos) << result.error().message();
  }

  Fd listener_;
  std::string whom_;
  std::string request_;
};

TEST_P(NetDaemonTest, AnswersWhatAServerAnswers) {
  ASSERT_NO_FATAL_FAILURE(StartAllowing("[\"127.0.0.1\"]"));
  if (IsSkipped()) return;
  v1::TaskResult result = Get("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
  ExpectEnded(result, v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(result.output(), "body");
  EXPECT_EQ(request_.substr(0, request_.find("\r\n")), "GET /path?a=b HTTP/1.1");
  result = Get("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nch\r\n0\r\n\r\n");
  EXPECT_EQ(result.output(), "ch");
  const uint64_t id = MustSubmit(Spec("tcp.request", whom_ + "\nquestion"));
  AwaitState(id, v1::TASK_STATE_SUSPENDED);
  const Fd peer = AcceptOne();
  EXPECT_EQ(ReadUntil(peer, "question"), "question");
  char byte = 0;
  EXPECT_EQ(recv(peer.get(), &byte, 1, 0), 0) << "it half-closes";
  Answer(peer, "answer");
  EXPECT_EQ(MustWait(id).output(), "answer");
  const std::string metrics = HttpGet(daemon_->web_address(), "/metrics").body;
  EXPECT_NE(metrics.find("weft_io_operations_total{backend=\"" + std::string(GetParam()) +
                         "\",operation=\"connect\"} 3\n"),
            std::string::npos);
  EXPECT_NE(metrics.find("weft_io_awaited{"), std::string::npos);
}

TEST_P(NetDaemonTest, SaysWhatIsWrongAndWhichKeyHelps) {
  ASSERT_NO_FATAL_FAILURE(StartAllowing(
      "[\"127.0.0.1\"]", {"handlers.net_max_bytes=10", "handlers.net_time_limit_ms=50"}));
  if (IsSkipped()) return;
  const auto failed = v1::TASK_ERROR_CODE_HANDLER_FAILED;
  ExpectFailed(*Run(Spec("http.get", "http://example.com/")), failed,
               "handlers.net_allow does not name example.com:80");
  ExpectFailed(*Run(Spec("tcp.request", "127.0.0.2:80\nx")), failed,
               "handlers.net_allow does not name 127.0.0.2:80");
  ExpectFailed(*Run(Spec("http.get", "ftp://127.0.0.1/")), v1::TASK_ERROR_CODE_INVALID_PAYLOAD,
               "does not begin with http://");
  ExpectFailed(Get("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890"),
               v1::TASK_ERROR_CODE_OUTPUT_TOO_LARGE, "10 bytes (handlers.net_max_bytes)");
  ExpectFailed(Get("HTTP/1.1 503 Busy\r\n\r\n"), failed, whom_ + " answered 503 \"Busy\"");
  const uint64_t id = MustSubmit(Spec("http.get", "http://" + whom_ + "/"));
  const Fd peer = AcceptOne();
  ExpectFailed(MustWait(id), failed, "within handlers.net_time_limit_ms, 50 ms");
  const sys::ClosedPort nobody;
  ExpectFailed(*Run(Spec("tcp.request", nobody.address.Text() + "\nx")), failed,
               "nobody listens there");
}

TEST_P(NetDaemonTest, ACancelATimeoutAndADrainEndWhatWaits) {
  ASSERT_NO_FATAL_FAILURE(StartAllowing("[\"127.0.0.1\"]", {"daemon.drain_limit_s=0"}));
  if (IsSkipped()) return;
  const v1::TaskSpec spec = Spec("http.get", "http://" + whom_ + "/");
  const uint64_t cancelled = MustSubmit(spec);
  const Fd first = AcceptOne();
  ReadUntil(first, "\r\n\r\n");
  Cancel(cancelled, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  EXPECT_EQ(MustWait(cancelled).state(), v1::TASK_STATE_CANCELLED);
  char byte = 0;
  EXPECT_EQ(recv(first.get(), &byte, 1, 0), 0) << "its connection was closed";
  v1::TaskSpec late = spec;
  late.set_timeout_ns(50'000'000);
  EXPECT_EQ(MustWait(MustSubmit(late)).state(), v1::TASK_STATE_EXPIRED);
  const Fd second = AcceptOne();
  MustSubmit(spec);
  const Fd third = AcceptOne();
  ReadUntil(third, "\r\n\r\n");
  const ProcessEnd end = daemon_->Terminate();
  EXPECT_EQ(end.exit_code, 0) << daemon_->Log();
  EXPECT_EQ(daemon_->LastCounts()["cancelled"], 2u) << daemon_->Log();
}

TEST_P(NetDaemonTest, ManyWaitWithFewEntriesWhileFilesAreWorkedOn) {
  constexpr size_t kCount = 100;
  const TempDir root;
  ASSERT_NO_FATAL_FAILURE(
      StartAllowing("[\"127.0.0.1\"]",
                    {"io.ring_entries=8", "handlers.file_root=\"" + root.path().string() + "\""}));
  if (IsSkipped()) return;
  std::vector<uint64_t> ids;
  std::vector<Fd> peers;
  for (size_t i = 0; i < kCount; ++i) {
    ids.push_back(MustSubmit(Spec("tcp.request", whom_ + "\nx")));
    peers.push_back(AcceptOne());
    ReadUntil(peers.back(), "x");
  }
  EXPECT_EQ(Run(Spec("file.write", "file\nbytes"))->output(), "5");
  EXPECT_EQ(Run(Spec("file.read", "file"))->output(), "bytes");
  for (size_t i = 0; i < kCount; ++i) Answer(peers[i], std::to_string(i));
  for (size_t i = 0; i < kCount; ++i) EXPECT_EQ(MustWait(ids[i]).output(), std::to_string(i));
}

INSTANTIATE_TEST_SUITE_P(Backends, NetDaemonTest, testing::Values("io_uring", "threads"),
                         [](const auto& parameter) {
                           return std::string(parameter.param) == "threads" ? "Threads" : "IoUring";
                         });

using NetStartTest = DaemonTest;

TEST_F(NetStartTest, FailsNetworkTasksWhileNoHostIsNamed) {
  Start();
  for (const v1::TaskSpec& spec :
       {Spec("http.get", "http://127.0.0.1/"), Spec("tcp.request", "127.0.0.1:80\nx")}) {
    const auto result = Run(spec);
    ASSERT_TRUE(result.ok());
    ExpectEnded(*result, v1::TASK_STATE_FAILED);
    EXPECT_NE(result->error().message().find("handlers.net_allow is empty"), std::string::npos);
  }
}

TEST_F(NetStartTest, RefusesAPatternThatIsNone) {
  DaemonProcess other({.settings = {"handlers.net_allow=[\"http://a\"]"}});
  EXPECT_EQ(other.WaitForEnd().exit_code, kExitConfig);
  EXPECT_NE(other.Log().find("handlers.net_allow"), std::string::npos) << other.Log();
}

}  // namespace
}  // namespace weft
