#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "tests/daemon/daemon_test.h"
#include "weft/list.h"

// Proves what is told of many tasks by a real daemon: batches in which bad specs stand among good
// ones, labels and affinity, listings with tokens that cannot be forged, and watches that see every
// task or say how many they missed.
namespace weft {
namespace {

class ListingDaemonTest : public DaemonTest {
 protected:
  v1::SubmitTasksResponse MustSubmitAll(const v1::SubmitTasksRequest& request) {
    auto response = client_->SubmitTasks(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : v1::SubmitTasksResponse();
  }
  std::map<uint64_t, v1::TaskSummary> ListAll(v1::ListTasksRequest request) {
    std::map<uint64_t, v1::TaskSummary> found;
    TaskPager pager(*client_, std::move(request));
    while (!pager.done()) {
      const auto page = pager.Next();
      if (!page.ok()) {
        ADD_FAILURE() << page.status();
        break;
      }
      for (const v1::TaskSummary& task : *page) {
        EXPECT_TRUE(found.emplace(task.result().task_id(), task).second) << "given twice";
      }
    }
    return found;
  }
};

TEST_F(ListingDaemonTest, TakesTheGoodSpecsOfABatchAndRefusesTheBad) {
  Start();
  v1::SubmitTasksRequest request;
  for (int i = 0; i < 300; ++i) {
    v1::TaskSpec& spec = *request.add_specs();
    spec = Spec(i % 3 == 0 ? "ecko" : "echo", std::to_string(i));
    spec.set_client_tag(static_cast<uint64_t>(i));
    if (i % 3 == 1) spec.set_timeout_ns(-1);
  }
  const v1::SubmitTasksResponse response = MustSubmitAll(request);
  ASSERT_EQ(response.rows_size(), 300);
  for (int i = 0; i < 300; ++i) {
    const v1::SubmitTasksRow& row = response.rows(i);
    EXPECT_EQ(row.client_tag(), static_cast<uint64_t>(i));
    const std::string path = "specs[" + std::to_string(i) + "]";
    if (i % 3 == 0) {
      ExpectRefused(RowStatus(row), absl::StatusCode::kInvalidArgument, "UNKNOWN_HANDLER",
                    path + ".handler", "did you mean \"echo\"?");
    } else if (i % 3 == 1) {
      ExpectRefused(RowStatus(row), absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                    path + ".timeout_ns", "-1");
    } else {
      EXPECT_EQ(MustWait(row.accepted().task_id()).output(), std::to_string(i));
    }
  }
  ExpectRefused(client_->SubmitTasks({}).status(), absl::StatusCode::kInvalidArgument,
                "INVALID_FIELD", "specs", "1 to 1024");
}

TEST_F(ListingDaemonTest, FindsTasksByTheirLabels) {
  Start();
  v1::SubmitTasksRequest batch;
  for (int i = 0; i < 200; ++i) {
    v1::TaskSpec& spec = *batch.add_specs();
    spec = Spec("echo", "secret");
    (*spec.mutable_labels())["app"] = i % 2 == 0 ? "shop" : "bank";
    (*spec.mutable_labels())["n"] = std::to_string(i);
  }
  std::set<uint64_t> shop;
  const v1::SubmitTasksResponse response = MustSubmitAll(batch);
  for (int i = 0; i < response.rows_size(); ++i) {
    const uint64_t id = response.rows(i).accepted().task_id();
    MustWait(id);
    if (i % 2 == 0) shop.insert(id);
  }
  v1::ListTasksRequest request;
  (*request.mutable_filter()->mutable_labels())["app"] = "shop";
  request.set_page_size(9);
  const auto found = ListAll(request);
  EXPECT_EQ(found.size(), shop.size());
  for (const auto& [id, task] : found) {
    EXPECT_TRUE(shop.contains(id));
    EXPECT_EQ(task.labels().at("app"), "shop");
    EXPECT_EQ(task.handler(), "echo");
    EXPECT_EQ(task.result().output(), "");
    ExpectEnded(task.result(), v1::TASK_STATE_SUCCEEDED);
  }
}

TEST_F(ListingDaemonTest, RefusesAForgedPageToken) {
  Start();
  for (int i = 0; i < 3; ++i) MustWait(MustSubmit(Spec("noop")));
  v1::ListTasksRequest request;
  request.set_page_size(1);
  const auto page = client_->ListTasks(request);
  ASSERT_TRUE(page.ok()) << page.status();
  const std::string token = page->next_page_token();
  std::string forged = token;
  forged[0] = forged[0] == 'A' ? 'B' : 'A';
  for (const std::string& wrong : {forged, token.substr(0, 20), std::string("1")}) {
    request.set_page_token(wrong);
    ExpectRefused(client_->ListTasks(request).status(), absl::StatusCode::kInvalidArgument,
                  "INVALID_FIELD", "page_token", "with the same filter, or none to begin anew");
  }
  request.set_page_token(token);
  EXPECT_TRUE(client_->ListTasks(request).ok());
  // Another boot has another key.
  client_.reset();
  EXPECT_EQ(daemon_->Terminate().exit_code, 0);
  Start();
  ExpectRefused(client_->ListTasks(request).status(), absl::StatusCode::kInvalidArgument,
                "INVALID_FIELD", "page_token");
}

TEST_F(ListingDaemonTest, RefusesLabelsAndKeysOverTheirLimits) {
  Start();
  v1::TaskSpec spec = Spec("noop");
  for (int i = 0; i < 17; ++i) (*spec.mutable_labels())["k" + std::to_string(i)] = "v";
  ExpectRefused(client_->Submit(spec).status(), absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                "spec.labels", "17 labels; at most 16");
  spec = Spec("noop");
  (*spec.mutable_labels())["k"] = std::string(129, 'v');
  ExpectRefused(Run(spec).status(), absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                "spec.labels[\"k\"]", "129 bytes");
  spec = Spec("noop");
  (*spec.mutable_labels())["k=v"] = "";
  ExpectRefused(Run(spec).status(), absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                "spec.labels[\"k=v\"]", "1 to 63 characters");
  spec = Spec("noop");
  spec.set_affinity_key(std::string(129, 'k'));
  ExpectRefused(Run(spec).status(), absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                "spec.affinity_key", "129 bytes");
  spec.set_affinity_key("k");
  spec.set_core(0);
  ExpectRefused(Run(spec).status(), absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                "spec.affinity_key", "together with core 0");
}

TEST_F(ListingDaemonTest, KeepsTheTasksOfAKeyOnOneCore) {
  Start({"executor.worker_threads=0",
         "executor.cores=" + std::string(AllowedCpus().size() > 1
                                             ? "[" + std::to_string(AllowedCpus()[0]) + "," +
                                                   std::to_string(AllowedCpus()[1]) + "]"
                                             : "\"auto\"")});
  std::set<uint32_t> all;
  for (int key = 0; key < 16; ++key) {
    std::set<uint32_t> cores;
    for (int i = 0; i < 5; ++i) {
      v1::TaskSpec spec = Spec("noop");
      spec.set_affinity_key("customer-" + std::to_string(key));
      const auto result = Run(spec);
      ASSERT_TRUE(result.ok()) << result.status();
      cores.insert(result->core());
    }
    EXPECT_EQ(cores.size(), 1u) << key;
    all.insert(cores.begin(), cores.end());
  }
  EXPECT_EQ(static_cast<int>(all.size()), client_->GetStats()->cores_size());
}

TEST_F(ListingDaemonTest, ShowsAWatcherEveryTaskOfARunOnceAcceptedAndEnded) {
  Start();
  const auto watch = client_->WatchTasks({});
  ASSERT_TRUE(watch->Next().ok());
  std::set<uint64_t> ids;
  v1::SubmitTasksRequest batch;
  for (int i = 0; i < 250; ++i) *batch.add_specs() = Spec(i % 5 == 0 ? "sleep" : "echo", "1ms");
  for (int round = 0; round < 4; ++round) {
    const v1::SubmitTasksResponse response = MustSubmitAll(batch);
    for (const v1::SubmitTasksRow& row : response.rows()) {
      ASSERT_TRUE(row.has_accepted()) << row.DebugString();
      ids.insert(row.accepted().task_id());
    }
  }
  std::map<uint64_t, std::string> kinds;
  for (size_t events = 0; events < 2 * ids.size();) {
    const auto message = watch->Next();
    ASSERT_TRUE(message.ok()) << message.status();
    EXPECT_EQ(message->missed(), 0u);
    for (const v1::TaskEvent& event : message->events()) {
      const bool ended = event.kind() == v1::TASK_EVENT_KIND_ENDED;
      kinds[event.task().result().task_id()] += ended ? 'E' : 'A';
      if (ended) ExpectEnded(event.task().result(), v1::TASK_STATE_SUCCEEDED);
      ++events;
    }
  }
  EXPECT_EQ(kinds.size(), ids.size());
  for (const uint64_t id : ids) EXPECT_EQ(kinds[id], "AE") << id;
}

TEST_F(ListingDaemonTest, TellsASlowWatcherWhatItMissed) {
  Start({"limits.max_watcher_events=16"});
  const auto watch = client_->WatchTasks({});
  ASSERT_TRUE(watch->Next().ok());
  const auto stream = *client_->OpenStream({.window = 512});
  constexpr uint64_t kTasks = 30'000;
  uint64_t sent = 0;
  while (sent < kTasks || stream->outstanding() > 0) {
    while (sent < kTasks && stream->CanSend()) {
      ASSERT_TRUE(stream->Send(Spec("noop")).ok());
      ++sent;
    }
    ASSERT_TRUE(stream->Next().ok());
  }
  uint64_t told = 0;
  uint64_t missed = 0;
  while (told + missed < 2 * kTasks) {
    const auto message = watch->Next();
    ASSERT_TRUE(message.ok()) << message.status();
    told += static_cast<uint64_t>(message->events_size());
    missed += message->missed();
  }
  EXPECT_EQ(told + missed, 2 * kTasks);
  EXPECT_GT(missed, 0u);
  EXPECT_NE(HttpGet(daemon_->web_address(), "/metrics")
                .body.find("weft_rpc_task_events_missed_total " + std::to_string(missed)),
            std::string::npos);
}

TEST_F(ListingDaemonTest, RefusesAWatcherTooManyAndEndsTheOthersWithItself) {
  Start({"limits.max_watchers=1"});
  const auto watch = client_->WatchTasks({});
  ASSERT_TRUE(watch->Next().ok());
  const auto refused = client_->WatchTasks({})->Next();
  ExpectRefused(refused.status(), absl::StatusCode::kResourceExhausted, "CALLS_FULL", "",
                "limits.max_watchers");
  EXPECT_EQ(ExceededBounds(refused.status()), std::vector<std::string>{"limits.max_watchers"});
  const uint64_t id = MustSubmit(Spec("sleep", "100ms"));
  daemon_->Signal(SIGTERM);
  std::string kinds;
  absl::Status status;
  while (status.ok()) {
    const auto message = watch->Next();
    status = message.status();
    if (!message.ok()) break;
    for (const v1::TaskEvent& event : message->events()) {
      EXPECT_EQ(event.task().result().task_id(), id);
      kinds += event.kind() == v1::TASK_EVENT_KIND_ENDED ? 'E' : 'A';
    }
  }
  EXPECT_EQ(kinds, "AE") << "the end that the drain waited for is told, too";
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0);
}

}  // namespace
}  // namespace weft
