#include "weft/client.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "client/fake_daemon.h"
#include "weft/list.h"
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

TEST(Client, GivesEachRowOfABatchItsAnswer) {
  FakeDaemon daemon;
  daemon.refusals = 1;
  v1::SubmitTasksRequest request;
  *request.add_specs() = Spec("echo", 1);
  *request.add_specs() = Spec("refuse", 2);
  const auto response = Connect(daemon)->SubmitTasks(request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->rows_size(), 2);
  EXPECT_TRUE(RowStatus(response->rows(0)).ok());
  EXPECT_EQ(response->rows(0).accepted().task_id(), 1U);
  const absl::Status refused = RowStatus(response->rows(1));
  EXPECT_EQ(ErrorReason(refused), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayNs(refused), 1'000'000);
}

TEST(TaskPager, WalksAllPagesAlsoEmptyOnes) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  TaskPager pager(*client, {});
  std::vector<uint64_t> ids;
  int pages = 0;
  while (!pager.done()) {
    const auto page = pager.Next();
    ASSERT_TRUE(page.ok()) << page.status();
    ++pages;
    for (const v1::TaskSummary& task : *page) ids.push_back(task.result().task_id());
  }
  EXPECT_EQ(ids, (std::vector<uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(pages, 4);
  EXPECT_EQ(pager.Next().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(TaskWatch, TellsEventsUntilItIsStopped) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  const auto watch = client->WatchTasks({});
  const auto begun = watch->Next();
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->events_size(), 0);
  const auto message = watch->Next();
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->events_size(), 1);
  EXPECT_EQ(message->missed(), 7U);
  std::thread stopper([&watch] { watch->Stop(); });
  EXPECT_EQ(watch->Next().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(watch->Next().status().code(), absl::StatusCode::kCancelled);
  stopper.join();
}

TEST(TaskWatch, SaysWhyTheDaemonEndedIt) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  v1::TaskFilter filter;
  filter.set_handler("drain");
  const auto watch = client->WatchTasks(filter);
  EXPECT_TRUE(watch->Next().ok());
  EXPECT_TRUE(watch->Next().ok());
  const absl::Status status = watch->Next().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(status), "DRAINING");
}

TEST(TaskWatch, MayBeDestroyedAtAnyMoment) {
  FakeDaemon daemon;
  const auto client = Connect(daemon);
  { const auto unused = client->WatchTasks({}); }
  {
    const auto begun = client->WatchTasks({});
    EXPECT_TRUE(begun->Next().ok());
  }
  EXPECT_TRUE(client->Run(Request("echo")).ok());
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
