#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "tests/daemon/daemon_test.h"
#include "tests/daemon/turmoil.h"
#include "weft/v1/task_service.grpc.pb.h"

// Proves what a stream and a connection may do to a daemon: be half-closed, break, never be read,
// vanish in the middle of a task. What was attached is cancelled, what was submitted goes on, and
// nobody else notices.
namespace weft {
namespace {

class StreamDaemonTest : public DaemonTest {
 protected:
  std::unique_ptr<v1::TaskService::Stub> Stub() { return StubOf(*daemon_); }
  void AwaitInFlight(uint64_t count) {
    while (client_->GetStats()->tasks().in_flight() != count) std::this_thread::yield();
  }
};

TEST_F(StreamDaemonTest, AnswersEveryRowByItsTag) {
  Start();
  const auto stream = *client_->OpenStream({.window = 64});
  std::map<uint64_t, std::string> outputs;
  const auto take = [&] {
    const auto row = stream->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    ASSERT_TRUE(row->has_result()) << row->DebugString();
    ExpectEnded(row->result(), v1::TASK_STATE_SUCCEEDED);
    EXPECT_EQ(row->client_tag(), row->result().client_tag());
    EXPECT_TRUE(outputs.emplace(row->client_tag(), row->result().output()).second);
  };
  for (uint64_t tag = 1; tag <= 500; ++tag) {
    while (!stream->CanSend()) take();
    v1::TaskSpec spec = Spec("echo", std::to_string(tag));
    spec.set_client_tag(tag);
    ASSERT_TRUE(stream->Send(spec).ok());
  }
  while (stream->outstanding() > 0) take();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(outputs.size(), 500u);
  for (const auto& [tag, output] : outputs) EXPECT_EQ(output, std::to_string(tag));
  EXPECT_EQ(client_->GetStats()->tasks().succeeded(), 500u);
}

TEST_F(StreamDaemonTest, ARefusedRowHoldsUpNoOther) {
  Start();
  const auto stream = *client_->OpenStream();
  v1::TaskSpec wrong = Spec("sha25");
  wrong.set_client_tag(1);
  v1::TaskSpec right = Spec("echo", "fine");
  right.set_client_tag(2);
  ASSERT_TRUE(stream->Send(wrong).ok());
  ASSERT_TRUE(stream->Send(right).ok());
  std::set<uint64_t> tags;
  while (stream->outstanding() > 0) {
    const auto row = stream->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    tags.insert(row->client_tag());
    if (row->client_tag() == 2) {
      EXPECT_EQ(row->result().output(), "fine");
    } else {
      ExpectRefused(RowStatus(*row), absl::StatusCode::kInvalidArgument, "UNKNOWN_HANDLER", "",
                    "did you mean \"sha256\"?");
    }
  }
  EXPECT_EQ(tags, (std::set<uint64_t>{1, 2}));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamDaemonTest, AFullQueueRefusesRowsAndReadsOn) {
  Start({"executor.max_queue_depth=2"});
  const uint64_t holder = HoldTheCore();
  const auto stream = *client_->OpenStream();
  for (uint64_t tag = 1; tag <= 10; ++tag) {
    v1::TaskSpec spec = Spec("noop");
    spec.set_client_tag(tag);
    ASSERT_TRUE(stream->Send(spec).ok());
  }
  for (int i = 0; i < 8; ++i) {
    const auto row = stream->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    ExpectRefused(RowStatus(*row), absl::StatusCode::kResourceExhausted, "QUEUE_FULL");
  }
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  while (stream->outstanding() > 0) {
    const auto row = stream->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    ExpectEnded(row->result(), v1::TASK_STATE_SUCCEEDED);
  }
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamDaemonTest, AHalfClosedStreamIsAnsweredToTheEnd) {
  Start();
  const auto stub = Stub();
  grpc::ClientContext context;
  const auto stream = stub->StreamTasks(&context);
  v1::StreamTasksRequest request;
  for (uint64_t tag = 0; tag < 5; ++tag) {
    *request.add_specs() = Spec("sleep", "5ms");
    request.mutable_specs(static_cast<int>(tag))->set_client_tag(tag);
  }
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->WritesDone());
  std::set<uint64_t> tags;
  for (v1::StreamTasksResponse response; stream->Read(&response);) {
    for (const v1::StreamTasksRow& row : response.rows()) {
      ExpectEnded(row.result(), v1::TASK_STATE_SUCCEEDED);
      tags.insert(row.client_tag());
    }
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(tags.size(), 5u);
}

TEST_F(StreamDaemonTest, ABrokenStreamsTasksAreCancelled) {
  Start();
  const auto stub = Stub();
  grpc::ClientContext context;
  const auto stream = stub->StreamTasks(&context);
  v1::StreamTasksRequest request;
  *request.add_specs() = Spec("sleep", "60s");
  *request.add_specs() = Spec("sleep", "60s");
  ASSERT_TRUE(stream->Write(request));
  AwaitInFlight(2);
  context.TryCancel();
  AwaitInFlight(0);
  EXPECT_EQ(client_->GetStats()->tasks().cancelled(), 2u);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(StreamDaemonTest, AStreamThatIsNeverReadIsBoundedAndHarmsNobody) {
  Start();
  const auto stub = Stub();
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto stream = stub->AsyncStreamTasks(&context, &queue, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  v1::StreamTasksRequest request;
  for (int i = 0; i < 64; ++i) *request.add_specs() = Spec("echo", std::string(16 * 1024, 'x'));
  // A megabyte a message: the daemon stops reading at its bound, and then no write completes.
  constexpr int kMessages = 200;
  int written = 0;
  for (; written < kMessages; ++written) {
    stream->Write(request, nullptr);
    const auto patience = std::chrono::system_clock::now() + std::chrono::milliseconds(500);
    if (queue.AsyncNext(&tag, &ok, patience) != grpc::CompletionQueue::GOT_EVENT) break;
    ASSERT_TRUE(ok);
  }
  EXPECT_LT(written, kMessages);
  for (int i = 0; i < 100; ++i) {
    const auto result = Run(Spec("echo", "unharmed"));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->output(), "unharmed");
  }
  context.TryCancel();
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) continue;
  AwaitInFlight(0);
}

TEST_F(StreamDaemonTest, RunIsCancelledWhenItsClientIsGone) {
  Start();
  grpc::ClientContext context;
  std::thread caller([&] {
    v1::RunTaskResponse response;
    const auto status = Stub()->RunTask(&context, RunRequest(Spec("sleep", "60s")), &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  });
  AwaitInFlight(1);
  context.TryCancel();
  caller.join();
  AwaitInFlight(0);
  EXPECT_EQ(client_->GetStats()->tasks().cancelled(), 1u);
}

TEST_F(StreamDaemonTest, ADeadlineOfRunBecomesTheTasksTimeout) {
  Start();
  v1::RunTaskRequest request = RunRequest(Spec("sleep", "60s"));
  const auto result = client_->Run(request, {.timeout_ns = 30'000'000});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded) << result.status();
  AwaitInFlight(0);
  EXPECT_EQ(client_->GetStats()->tasks().expired(), 1u);
}

TEST_F(StreamDaemonTest, ASubmittedTaskGoesOnWhenItsClientIsGone) {
  Start();
  uint64_t id = 0;
  {
    const auto gone = daemon_->Connect();
    const auto submitted = gone->Submit(Spec("sleep", "30ms"));
    ASSERT_TRUE(submitted.ok()) << submitted.status();
    id = submitted->task_id();
  }
  ExpectEnded(MustWait(id), v1::TASK_STATE_SUCCEEDED);
}

TEST_F(StreamDaemonTest, ConservesEveryTaskUnderLoadCancelsAndDisconnects) {
  Start({"executor.max_queue_depth=64"});
  Turmoil turmoil(*daemon_);
  turmoil.Run();
  AwaitInFlight(0);
  turmoil.ExpectCountedIn(client_->GetStats()->tasks());
}

}  // namespace
}  // namespace weft
