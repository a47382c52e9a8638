// WatchTasks as a client meets it: the first message at once, every event once and in order, what
// was missed told, and bounds that no watcher can pass.
#include "rpc/watch_call.h"

#include <map>
#include <thread>

#include "rpc/rpc_fixture.h"

namespace weft {
namespace {

class WatchCallTest : public RpcFixture {
 protected:
  // A watch that has begun.
  struct Watch {
    Watch(v1::TaskService::Stub& tasks, const v1::TaskFilter& filter) {
      v1::WatchTasksRequest request;
      *request.mutable_filter() = filter;
      reader = tasks.WatchTasks(&context, request);
      v1::WatchTasksResponse first;
      begun = reader->Read(&first);
      EXPECT_EQ(first.events_size(), 0);
      EXPECT_EQ(first.missed(), 0u);
    }
    // Reads until so many events have come.
    std::vector<v1::TaskEvent> Take(size_t count) {
      v1::WatchTasksResponse response;
      while (events.size() < count && reader->Read(&response)) {
        missed += response.missed();
        events.insert(events.end(), response.events().begin(), response.events().end());
      }
      return events;
    }
    grpc::Status Status() {
      v1::WatchTasksResponse response;
      while (reader->Read(&response)) missed += response.missed();
      return reader->Finish();
    }

    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::WatchTasksResponse>> reader;
    bool begun = false;
    uint64_t missed = 0;
    std::vector<v1::TaskEvent> events;
  };
  // Many at once, so that they fill buffers quickly.
  void RunMany(int count) {
    grpc::ClientContext context;
    const auto stream = tasks_->StreamTasks(&context);
    v1::StreamTasksRequest request;
    for (int i = 0; i < 100; ++i) *request.add_specs() = Spec("noop");
    std::thread writer([&] {
      for (int i = 0; i < count; i += 100) ASSERT_TRUE(stream->Write(request));
      stream->WritesDone();
    });
    v1::StreamTasksResponse response;
    while (stream->Read(&response)) continue;
    writer.join();
    EXPECT_TRUE(stream->Finish().ok());
  }
};

TEST_F(WatchCallTest, TellsOfEveryTaskOnceAtEachEndInOrder) {
  StartServer();
  Watch watch(*tasks_, {});
  ASSERT_TRUE(watch.begun);
  v1::TaskSpec spec = Spec("echo", "out");
  (*spec.mutable_labels())["app"] = "shop";
  spec.set_client_tag(5);
  constexpr size_t kTasks = 50;
  for (size_t i = 0; i < kTasks; ++i) ASSERT_TRUE(Run(spec).ok());
  std::map<uint64_t, std::vector<v1::TaskEventKind>> kinds;
  for (const v1::TaskEvent& event : watch.Take(2 * kTasks)) {
    const v1::TaskSummary& task = event.task();
    kinds[task.result().task_id()].push_back(event.kind());
    EXPECT_EQ(task.handler(), "echo");
    EXPECT_EQ(task.labels().at("app"), "shop");
    EXPECT_EQ(task.result().client_tag(), 5u);
    EXPECT_EQ(task.result().output(), "");
    EXPECT_EQ(task.result().state(), event.kind() == v1::TASK_EVENT_KIND_ACCEPTED
                                         ? v1::TASK_STATE_QUEUED
                                         : v1::TASK_STATE_SUCCEEDED);
  }
  EXPECT_EQ(kinds.size(), kTasks);
  for (const auto& [id, seen] : kinds) {
    EXPECT_EQ(seen, (std::vector<v1::TaskEventKind>{v1::TASK_EVENT_KIND_ACCEPTED,
                                                    v1::TASK_EVENT_KIND_ENDED}));
  }
  EXPECT_EQ(watch.missed, 0u);
}

TEST_F(WatchCallTest, ObeysTheFilterAndRefusesAWrongOne) {
  StartServer();
  v1::TaskFilter filter;
  filter.add_states(v1::TASK_STATE_FAILED);
  Watch watch(*tasks_, filter);
  ASSERT_TRUE(Run(Spec("echo")).ok());
  ASSERT_TRUE(Run(Spec("fail", "error x")).ok());
  const std::vector<v1::TaskEvent> events = watch.Take(1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind(), v1::TASK_EVENT_KIND_ENDED);
  EXPECT_EQ(events[0].task().result().error().message(), "x");
  v1::TaskFilter wrong;
  wrong.set_handler("ecko");
  Watch refused(*tasks_, wrong);
  EXPECT_FALSE(refused.begun);
  const grpc::Status status = refused.Status();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "filter.handler");
}

TEST_F(WatchCallTest, RefusesOneTooManyAndTakesOneAgainWhenAnotherIsGone) {
  rpc_options_.max_watchers = 2;
  StartServer();
  auto first = std::make_unique<Watch>(*tasks_, v1::TaskFilter());
  Watch second(*tasks_, {});
  for (int i = 0; i < 10; ++i) {  // More than are posted.
    Watch refused(*tasks_, {});
    EXPECT_FALSE(refused.begun);
    const grpc::Status status = refused.Status();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    const auto quota = DetailOf<google::rpc::QuotaFailure>(status);
    ASSERT_EQ(quota.violations_size(), 1);
    EXPECT_EQ(quota.violations(0).subject(), "limits.max_watchers");
  }
  first->context.TryCancel();
  EXPECT_EQ(first->Status().error_code(), grpc::StatusCode::CANCELLED);
  while (true) {  // Until the server has taken note.
    Watch again(*tasks_, {});
    if (!again.begun) continue;
    ASSERT_TRUE(Run(Spec("noop")).ok());
    EXPECT_EQ(again.Take(2).size(), 2u);
    break;
  }
  EXPECT_EQ(second.Take(2).size(), 2u);
}

TEST_F(WatchCallTest, TellsASlowClientHowManyItMissed) {
  rpc_options_.watch_events_max = 100;
  StartServer();
  Watch slow(*tasks_, {});
  ASSERT_TRUE(slow.begun);
  RunMany(20'000);  // Far more than the buffer and the connection take unread.
  ASSERT_TRUE(Run(Spec("echo")).ok());
  // All that was not missed comes, and the gap is told even if nothing happens after it.
  // Rows that found the queue full never were tasks.
  const uint64_t events = 2 * Stats().tasks().accepted();
  v1::WatchTasksResponse response;
  while (slow.events.size() + slow.missed < events && slow.reader->Read(&response)) {
    slow.missed += response.missed();
    slow.events.insert(slow.events.end(), response.events().begin(), response.events().end());
  }
  EXPECT_EQ(slow.events.size() + slow.missed, events);
  EXPECT_GT(slow.missed, 0u);
  ASSERT_TRUE(Run(Spec("echo")).ok());
  const size_t before = slow.events.size();
  EXPECT_EQ(slow.Take(before + 2).size(), before + 2) << "it goes on after the gap";
}

TEST_F(WatchCallTest, EndsWithUnavailableWhenTheDaemonEnds) {
  StartServer();
  Watch watch(*tasks_, {});
  ASSERT_TRUE(Run(Spec("noop")).ok());
  std::thread stopper([this] { StopServer(); });
  EXPECT_EQ(watch.Take(2).size(), 2u);
  const grpc::Status status = watch.Status();
  stopper.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "DRAINING");
}

TEST_F(WatchCallTest, ThatIsNeverReadDoesNotHoldUpTheEnd) {
  StartServer();
  Watch watch(*tasks_, {});
  RunMany(20'000);
  StopServer();  // The test's time limit ends it if it does not return.
  EXPECT_FALSE(watch.Status().ok());
}

}  // namespace
}  // namespace weft
