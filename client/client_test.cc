#include "weft/client.h"

#include <gtest/gtest.h>

#include <set>

#include "client/fake_daemon.h"
#include "weft/status_details.h"

// Proves what a caller gets from one call and from a stream, against a daemon in this process.
namespace weft {
namespace {

std::unique_ptr<Client> Connect(const FakeDaemon& daemon) {
  ClientOptions options;
  options.target = daemon.target();
  options.retry.initial_backoff_ns = 1;
  return *Client::Create(options);
}

v1::RunTaskRequest Request(const std::string& handler) {
  v1::RunTaskRequest request;
  request.mutable_spec()->set_handler(handler);
  request.mutable_spec()->set_payload("hello");
  return request;
}

v1::TaskSpec Spec(const std::string& handler, uint64_t tag) {
  v1::TaskSpec spec;
  spec.set_handler(handler);
  spec.set_client_tag(tag);
  return spec;
}

TEST(Client, RefusesOptionsThatMakeNoSense) {
  for (const char* target : {"", "host", "host:", ":7411", "host:0", "host:65536", "unix:"}) {
    EXPECT_EQ(Client::Create({.target = target}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << target;
  }
  EXPECT_FALSE(Client::Create({.timeout_ns = 0}).ok());
  EXPECT_FALSE(Client::Create({.retry = {.max_attempts = 0}}).ok());
}

TEST(Client, AnswersWithTheResultAlsoOfATaskThatFailed) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  EXPECT_EQ(client->Run(Request("echo"))->output(), "hello");
  EXPECT_EQ(client->Run(Request("fail"))->state(), v1::TASK_STATE_FAILED);
}

TEST(Client, RunsARefusedTaskAgain) {
  FakeDaemon daemon;
  daemon.refusals = 2;
  EXPECT_TRUE(Connect(daemon)->Run(Request("refuse")).ok());
  EXPECT_EQ(daemon.calls, 3);
}

TEST(Client, GivesTheRefusalWhenItsTriesAreUsedUp) {
  FakeDaemon daemon;
  daemon.refusals = 100;
  const absl::Status status = Connect(daemon)->Run(Request("refuse")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(status), "QUEUE_FULL");
  EXPECT_EQ(daemon.calls, 4);
}

TEST(Client, DoesNotRunATaskTwiceWhenTheConnectionBreaks) {
  FakeDaemon daemon;
  EXPECT_EQ(Connect(daemon)->Run(Request("break")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(daemon.calls, 1);
}

TEST(Client, AnswersAWaitThatElapsedWithTheTaskAsItStands) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  const auto submitted = client->Submit(Spec("echo", 0));
  EXPECT_EQ(client->Wait(submitted->task_id(), 1)->state(), v1::TASK_STATE_RUNNING);
  EXPECT_EQ(client->Wait(submitted->task_id(), 1)->state(), v1::TASK_STATE_SUCCEEDED);
}

TEST(TaskStream, NeverHoldsMoreRowsThanItsWindow) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  const auto stream = *client->OpenStream({.window = 5});
  std::set<uint64_t> answered;
  uint64_t next_tag = 0;
  while (next_tag < 100 || stream->outstanding() > 0) {
    while (next_tag < 100 && stream->CanSend()) {
      ASSERT_TRUE(stream->Send(Spec("echo", next_tag++)).ok());
    }
    EXPECT_LE(stream->outstanding(), 5U);
    const auto row = stream->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    EXPECT_TRUE(answered.insert(row->client_tag()).second);
  }
  EXPECT_EQ(answered.size(), 100U);
  EXPECT_LE(daemon.largest_message, 5);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(TaskStream, RefusesToSendBeyondItsWindow) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  const auto stream = *client->OpenStream({.window = 1});
  ASSERT_TRUE(stream->Send(Spec("echo", 1)).ok());
  EXPECT_FALSE(stream->CanSend());
  EXPECT_EQ(stream->Send(Spec("echo", 2)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(stream->Finish().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(stream->Next().ok());
  EXPECT_EQ(stream->Next().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(TaskStream, GivesARefusedRowItsReason) {
  FakeDaemon daemon;
  daemon.refusals = 1;
  const auto client = Connect(daemon);
  const auto stream = *client->OpenStream();
  ASSERT_TRUE(stream->Send(Spec("refuse", 1)).ok());
  ASSERT_TRUE(stream->Send(Spec("refuse", 2)).ok());
  const absl::Status refused = RowStatus(*stream->Next());
  EXPECT_EQ(ErrorReason(refused), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayNs(refused), 1'000'000);
  EXPECT_TRUE(RowStatus(*stream->Next()).ok());
}

TEST(TaskStream, SaysSoWhenTheCallBreaks) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  const auto stream = *client->OpenStream();
  ASSERT_TRUE(stream->Send(Spec("break", 1)).ok());
  EXPECT_EQ(stream->Next().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(stream->Send(Spec("echo", 2)).code(), absl::StatusCode::kUnavailable);
}

TEST(TaskStream, MayBeDestroyedAtAnyMoment) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  { const auto unused = *client->OpenStream(); }
  {
    const auto stream = *client->OpenStream();
    ASSERT_TRUE(stream->Send(Spec("echo", 1)).ok());
  }
  {
    const auto stream = *client->OpenStream();
    ASSERT_TRUE(stream->Send(Spec("echo", 1)).ok());
    ASSERT_TRUE(stream->Next().ok());
  }
  EXPECT_TRUE(client->Run(Request("echo")).ok());
}

}  // namespace
}  // namespace weft
