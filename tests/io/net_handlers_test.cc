// tcp.request and http.get on a real core with each real ring, against servers of this test: right
// answers, and for everything that may be wrong a failure that says what, with the key that helps.
#include <gmock/gmock.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "handlers/builtin/builtin.h"
#include "net_fixture.h"

namespace weft {
namespace {

using sys::AddressOf;
using sys::Fd;
using sys::ListenOnLoopback;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr size_t kMostBytes = 100'000;
constexpr int64_t kLongNs = 60'000'000'000;
constexpr int64_t kShortNs = 20'000'000;

class NetHandlersTest : public NetTest {
 protected:
  void SetUp() override {
    NetTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    listener_ = ListenOnLoopback();
    whom_ = AddressOf(listener_).Text();
    open_before_ = OpenDescriptors();
    access_ = {.allow = {{.host = "127.0.0.1"}, {.host = "localhost"}},
               .max_bytes = kMostBytes,
               .time_limit_ns = kLongNs,
               .max_output_bytes = 4 * kMostBytes};
  }

  uint32_t SubmitTo(std::unique_ptr<Handler> (*make)(const NetAccess&), std::string payload) {
    handlers_.push_back(make(access_));
    payloads_.push_back(std::make_unique<std::string>(std::move(payload)));
    const TaskEntry* const entry =
        EntryOf([handler = handlers_.back().get()](TaskContext& c) { return handler->Run(c); });
    return Submit(entry, 0, *payloads_.back());
  }
  uint32_t SubmitRequest(const std::string& bytes) {
    return SubmitTo(&MakeTcpRequestHandler, whom_ + "\n" + bytes);
  }
  uint32_t SubmitGet(const std::string& target = "/") {
    return SubmitTo(&MakeHttpGetHandler, "http://" + whom_ + target);
  }
  End RunRequest(const std::string& payload) {
    return Wait(SubmitTo(&MakeTcpRequestHandler, payload));
  }
  End RunGet(const std::string& payload) { return Wait(SubmitTo(&MakeHttpGetHandler, payload)); }

  Fd AcceptOne() { return Fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  static std::string ReadUntil(const Fd& fd, std::string_view mark) {
    std::string all;
    char byte = 0;
    while (!all.ends_with(mark) && recv(fd.get(), &byte, 1, 0) == 1) all.push_back(byte);
    return all;
  }
  static std::string ReadToEnd(const Fd& fd) {
    std::string all;
    char byte = 0;
    while (recv(fd.get(), &byte, 1, 0) == 1) all.push_back(byte);
    return all;
  }
  static void SendAll(const Fd& fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  // What http.get makes of that response.
  End Answer(const std::string& response) {
    const uint32_t slot = SubmitGet();
    const Fd peer = AcceptOne();
    request_ = ReadUntil(peer, "\r\n\r\n");
    SendAll(peer, response);
    shutdown(peer.get(), SHUT_WR);
    return Wait(slot);
  }
  void ExpectFailed(const End& end, const std::string& words,
                    TaskErrorCode code = TaskErrorCode::kHandlerFailed) {
    EXPECT_EQ(end.state, TaskState::kFailed) << words;
    EXPECT_EQ(end.error_code, code) << words;
    EXPECT_THAT(end.error_message, HasSubstr(words));
  }

  Fd listener_;
  std::string whom_;
  NetAccess access_;
  std::string request_;
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::vector<std::unique_ptr<std::string>> payloads_;
};

TEST_P(NetHandlersTest, SendsHalfClosesAndAnswersWhatComesBack) {
  const uint32_t slot = SubmitRequest("question\nwith lines");
  const Fd peer = AcceptOne();
  EXPECT_EQ(ReadToEnd(peer), "question\nwith lines");
  SendAll(peer, "answer");
  shutdown(peer.get(), SHUT_WR);
  const End end = Wait(slot);
  EXPECT_EQ(end.state, TaskState::kSucceeded) << end.error_message;
  EXPECT_EQ(end.output, "answer");
}

TEST_P(NetHandlersTest, SendsNothingAndTakesNothing) {
  const uint32_t slot = SubmitRequest("");
  const Fd peer = AcceptOne();
  EXPECT_EQ(ReadToEnd(peer), "");
  shutdown(peer.get(), SHUT_WR);
  EXPECT_EQ(Wait(slot).output, "");
}

// More than both buffers hold goes both ways at once.
TEST_P(NetHandlersTest, TakesInWhatAnEchoSendsWhileItStillSends) {
  access_.max_bytes = access_.max_output_bytes = 64 << 20;
  const std::string bytes(20 << 20, 'x');
  const uint32_t slot = SubmitRequest(bytes);
  const Fd peer = AcceptOne();
  std::string piece(64 * 1024, '\0');
  for (;;) {
    const ssize_t got = recv(peer.get(), piece.data(), piece.size(), 0);
    if (got <= 0) break;
    SendAll(peer, {piece.data(), static_cast<size_t>(got)});
  }
  shutdown(peer.get(), SHUT_WR);
  const End end = Wait(slot);
  EXPECT_EQ(end.state, TaskState::kSucceeded) << end.error_message;
  EXPECT_TRUE(end.output == bytes);
}

TEST_P(NetHandlersTest, HoldsTheBoundOfAnAnswerToTheByte) {
  for (const size_t more : {size_t{0}, size_t{1}}) {
    const uint32_t slot = SubmitRequest("x");
    const Fd peer = AcceptOne();
    EXPECT_EQ(ReadToEnd(peer), "x");
    SendAll(peer, std::string(kMostBytes + more, 'y'));
    shutdown(peer.get(), SHUT_WR);
    const End end = Wait(slot);
    if (more == 0) {
      EXPECT_EQ(end.output.size(), kMostBytes) << end.error_message;
    } else {
      ExpectFailed(end, "has more than 100000 bytes (handlers.net_max_bytes)",
                   TaskErrorCode::kOutputTooLarge);
    }
  }
  access_.max_output_bytes = 10;
  const End end = Answer("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890");
  ExpectFailed(end, "has more than 10 bytes (limits.max_payload_bytes)",
               TaskErrorCode::kOutputTooLarge);
}

TEST_P(NetHandlersTest, GetsWhatIsAtAUrl) {
  const End end = Answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(end.state, TaskState::kSucceeded) << end.error_message;
  EXPECT_EQ(end.output, "body");
  EXPECT_EQ(request_, "GET / HTTP/1.1\r\nHost: " + whom_ +
                          "\r\nUser-Agent: weft\r\nAccept: */*\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
                .output,
            "abcdefg");
  EXPECT_EQ(Answer("HTTP/1.0 200 OK\r\n\r\nto the end").output, "to the end");
  EXPECT_EQ(Answer("HTTP/1.1 204 No Content\r\n\r\n").state, TaskState::kSucceeded);
}

TEST_P(NetHandlersTest, AnyOtherStatusIsAFailureThatTellsIt) {
  ExpectFailed(Answer("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nsomething"),
               "answered 404 \"Not Found\"");
  ExpectFailed(Answer("HTTP/1.1 301 Moved\r\nLocation: http://other/\r\n\r\n"), "answered 301");
  ExpectFailed(Answer("HTTP/1.1 500 \xff\x01\r\nContent-Length: 9999999\r\n\r\n"),
               "answered 500 \"\\xff\\x01\"");
}

TEST_P(NetHandlersTest, SaysWhatIsWrongWithAResponse) {
  ExpectFailed(Answer("SSH-2.0-OpenSSH\r\n"), "is no HTTP/1 response: the status line is none");
  ExpectFailed(Answer(""), "it ends before its header does");
  ExpectFailed(Answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbody"),
               "it ends before its body does");
  ExpectFailed(Answer("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
               "has more than 16384 bytes");
}

TEST_P(NetHandlersTest, RefuseWhomTheyMayNotTalkTo) {
  for (const std::string host : {"example.com:80", "127.0.0.2:80", "[::1]:80"}) {
    ExpectFailed(RunRequest(host + "\nx"), "handlers.net_allow does not name " + host);
    ExpectFailed(RunGet("http://" + host + "/"), "handlers.net_allow does not name " + host);
  }
  access_.allow = {{.host = "127.0.0.1", .port = 1}};
  ExpectFailed(RunRequest(whom_ + "\nx"), "handlers.net_allow does not name " + whom_);
  access_.allow.clear();
  ExpectFailed(RunRequest("nonsense"), "handlers.net_allow is empty");
  ExpectFailed(RunGet("nonsense"), "handlers.net_allow is empty");
}

TEST_P(NetHandlersTest, RefusePayloadsThatAreNone) {
  const auto code = TaskErrorCode::kInvalidPayload;
  ExpectFailed(RunRequest("127.0.0.1:80"), "has no line end", code);
  ExpectFailed(RunRequest("127.0.0.1\nx"), "is no HOST:PORT", code);
  ExpectFailed(RunRequest("\nx"), "is no HOST:PORT", code);
  ExpectFailed(RunGet("https://127.0.0.1/"), "does not begin with http://", code);
  ExpectFailed(RunGet(""), "does not begin with http://", code);
}

TEST_P(NetHandlersTest, TellThatNobodyListens) {
  const sys::ClosedPort nobody;
  const std::string whom = nobody.address.Text();
  ExpectFailed(RunRequest(whom + "\nx"), whom + " could not be connected to: nobody listens there");
  ExpectFailed(RunGet("http://" + whom + "/"), "nobody listens there");
}

TEST_P(NetHandlersTest, LookNamesUpAndTellThatThereIsNone) {
  const std::string port = whom_.substr(whom_.rfind(':'));
  const uint32_t slot = SubmitTo(&MakeTcpRequestHandler, "localhost" + port + "\nquestion");
  const Fd peer = AcceptOne();
  EXPECT_EQ(ReadToEnd(peer), "question");
  shutdown(peer.get(), SHUT_WR);
  EXPECT_EQ(Wait(slot).state, TaskState::kSucceeded);
  access_.allow = {{.host = "no_such_name.invalid"}};
  const End end = RunRequest("no_such_name.invalid:80\nx");
  EXPECT_EQ(end.state, TaskState::kFailed);
  EXPECT_THAT(end.error_message, StartsWith("no_such_name.invalid:80 could not be looked up"));
}

// A server that is slow at any point: to accept, to answer, in its header, in its body, to read.
TEST_P(NetHandlersTest, EndAtTheTimeLimit) {
  access_.time_limit_ns = kShortNs;
  const std::string words = "within handlers.net_time_limit_ms, 20 ms";
  const sys::FullListener full;
  ExpectFailed(RunGet("http://" + full.address.Text() + "/"),
               full.address.Text() + " could not be connected to " + words);
  ExpectFailed(RunRequest(full.address.Text() + "\nx"), words);
  for (const char* part :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody"}) {
    const uint32_t slot = SubmitGet();
    const Fd peer = AcceptOne();
    SendAll(peer, part);
    ExpectFailed(Wait(slot), "could not be read from " + words);
  }
  access_.max_output_bytes = 64 << 20;
  const uint32_t slot = SubmitRequest(std::string(20 << 20, 'x'));
  const Fd peer = AcceptOne();
  ExpectFailed(Wait(slot), words);
}

// One byte at a time keeps a connection alive, but not the task: the limit is that of the whole.
TEST_P(NetHandlersTest, ASteadyDripDoesNotMoveTheTimeLimit) {
  access_.time_limit_ns = kShortNs;
  const uint32_t slot = SubmitGet();
  const Fd peer = AcceptOne();
  SendAll(peer, "HTTP/1.1 200 OK\r\n\r\n");
  while (core_->stats().live.value() > 0) {
    if (send(peer.get(), "x", 1, MSG_NOSIGNAL) != 1) break;
    std::this_thread::yield();
  }
  const End end = Wait(slot);
  EXPECT_EQ(end.state, TaskState::kFailed);
  EXPECT_THAT(end.error_message, testing::AnyOf(HasSubstr("handlers.net_time_limit_ms"),
                                                HasSubstr("handlers.net_max_bytes")));
}

TEST_P(NetHandlersTest, TellAResetAndStopWhenCancelled) {
  uint32_t slot = SubmitGet();
  {
    const Fd peer = AcceptOne();
    ReadUntil(peer, "\r\n\r\n");
    sys::ResetOnClose(peer);
  }
  ExpectFailed(Wait(slot), "could not be read from: Connection reset by peer");
  slot = SubmitGet();
  const Fd peer = AcceptOne();
  ReadUntil(peer, "\r\n\r\n");
  AwaitSuspended(slot);
  Cancel(slot);
  EXPECT_EQ(Wait(slot).state, TaskState::kCancelled);
}

TEST_P(NetHandlersTest, WaitForAPermitAndGiveItBack) {
  FilePermits permits(1);
  access_.permits = &permits;
  ASSERT_TRUE(permits.TryTake());
  const uint32_t waits = SubmitGet();
  AwaitSuspended(waits);
  EXPECT_EQ(OpenDescriptors(), open_before_) << "nothing is opened without one";
  Cancel(waits);
  EXPECT_EQ(Wait(waits).state, TaskState::kCancelled);
  permits.Return();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").state, TaskState::kSucceeded);
  }
  EXPECT_TRUE(permits.TryTake());
}

INSTANTIATE_TEST_SUITE_P(Backends, NetHandlersTest,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads), NameOfBackend);

}  // namespace
}  // namespace weft
