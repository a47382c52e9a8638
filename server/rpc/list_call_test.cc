// ListTasks as a client meets it: pages, filters, and the refusal of tokens that were not given.
#include "rpc/list_call.h"

#include <map>
#include <set>

#include "rpc/rpc_fixture.h"
#include "task/limits.h"

namespace weft {
namespace {

class ListCallTest : public RpcFixture {
 protected:
  grpc::Status List(const v1::ListTasksRequest& request, v1::ListTasksResponse* response) {
    grpc::ClientContext context;
    return tasks_->ListTasks(&context, request, response);
  }
  // All pages.
  std::map<uint64_t, v1::TaskSummary> ListAll(v1::ListTasksRequest request) {
    std::map<uint64_t, v1::TaskSummary> found;
    do {
      v1::ListTasksResponse response;
      const grpc::Status status = List(request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const v1::TaskSummary& task : response.tasks()) {
        EXPECT_TRUE(found.emplace(task.result().task_id(), task).second);
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return found;
  }
  static v1::TaskSpec Labelled(v1::TaskSpec spec, const std::string& key,
                               const std::string& value) {
    (*spec.mutable_labels())[key] = value;
    return spec;
  }
  void AwaitEnd(uint64_t id) {
    v1::TaskResult result;
    ASSERT_TRUE(Wait(id, std::nullopt, &result).ok());
  }
};

TEST_F(ListCallTest, PagesThroughAllTasksWithWhatWasAskedFor) {
  StartServer();
  std::set<uint64_t> ids;
  for (int i = 0; i < 25; ++i) {
    ids.insert(Submit(Labelled(Spec("echo", "secret"), "n", std::to_string(i))));
  }
  const uint64_t asleep = Submit(Spec("sleep", "60s"));
  for (const uint64_t id : ids) AwaitEnd(id);
  ids.insert(asleep);
  v1::ListTasksRequest request;
  request.set_page_size(7);
  const auto found = ListAll(request);
  ASSERT_EQ(found.size(), ids.size());
  for (const uint64_t id : ids) {
    ASSERT_TRUE(found.contains(id));
    const v1::TaskSummary& task = found.at(id);
    EXPECT_EQ(task.handler(), id == asleep ? "sleep" : "echo");
    EXPECT_EQ(task.result().output(), "");
    EXPECT_EQ(task.labels().contains("n"), id != asleep);
    if (id == asleep) continue;
    EXPECT_EQ(task.result().state(), v1::TASK_STATE_SUCCEEDED);
  }
  v1::ListTasksResponse first;
  ASSERT_TRUE(List(request, &first).ok());
  EXPECT_EQ(first.tasks_size(), 7);
  v1::CancelTaskResponse cancelled;
  EXPECT_TRUE(Cancel(asleep, &cancelled).ok());
}

TEST_F(ListCallTest, ObeysTheFilter) {
  StartServer();
  const uint64_t shop = Submit(Labelled(Spec("echo"), "app", "shop"));
  const uint64_t bank = Submit(Labelled(Spec("fail", "error x"), "app", "bank"));
  AwaitEnd(shop);
  AwaitEnd(bank);
  v1::ListTasksRequest request;
  (*request.mutable_filter()->mutable_labels())["app"] = "shop";
  EXPECT_EQ(ListAll(request).size(), 1u);
  EXPECT_TRUE(ListAll(request).contains(shop));
  request.mutable_filter()->add_states(v1::TASK_STATE_FAILED);
  EXPECT_TRUE(ListAll(request).empty());
  request.mutable_filter()->clear_labels();
  request.mutable_filter()->set_handler("fail");
  EXPECT_TRUE(ListAll(request).contains(bank));
}

TEST_F(ListCallTest, RefusesWhatCannotBeListed) {
  StartServer();
  v1::ListTasksResponse response;
  v1::ListTasksRequest request;
  request.set_page_size(1'001);
  EXPECT_EQ(FieldOf(List(request, &response)), "page_size");
  request.set_page_size(1'000);
  EXPECT_TRUE(List(request, &response).ok());
  request.mutable_filter()->set_handler("ecko");
  EXPECT_EQ(FieldOf(List(request, &response)), "filter.handler");
  request.mutable_filter()->set_handler("echo");
  request.mutable_filter()->set_core(4'000);
  EXPECT_EQ(FieldOf(List(request, &response)), "filter.core");
  request.mutable_filter()->clear_core();
  request.mutable_filter()->add_states(v1::TASK_STATE_UNSPECIFIED);
  EXPECT_EQ(FieldOf(List(request, &response)), "filter.states[0]");
}

TEST_F(ListCallTest, RefusesTokensItDidNotGiveForThisFilter) {
  StartServer();
  for (int i = 0; i < 3; ++i) AwaitEnd(Submit(Spec("echo")));
  v1::ListTasksRequest request;
  request.set_page_size(1);
  v1::ListTasksResponse response;
  ASSERT_TRUE(List(request, &response).ok());
  const std::string token = response.next_page_token();
  ASSERT_FALSE(token.empty());
  std::string changed = token;
  changed[3] = changed[3] == 'A' ? 'B' : 'A';
  for (const std::string& wrong : {changed, token.substr(1), std::string("3"), token + "A"}) {
    request.set_page_token(wrong);
    const grpc::Status status = List(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << wrong;
    EXPECT_EQ(FieldOf(status), "page_token");
    EXPECT_NE(status.error_message().find("begin anew"), std::string::npos);
  }
  request.set_page_token(token);
  EXPECT_TRUE(List(request, &response).ok());
  request.mutable_filter()->set_handler("echo");
  EXPECT_EQ(FieldOf(List(request, &response)), "page_token");
}

TEST_F(ListCallTest, EndsAPageWhoseBytesAreMany) {
  dispatch_options_.results_max_bytes = 16 * 1024 * 1024;
  dispatch_options_.max_queue_depth = core_options_.max_queue_depth = 1'000;
  StartServer();
  v1::TaskSpec spec = Spec("noop");
  for (size_t i = 0; i < kMaxLabels; ++i) {
    (*spec.mutable_labels())["label-" + std::to_string(i)] = std::string(kMaxLabelValueBytes, 'v');
  }
  constexpr size_t kTasks = 600;  // About 2.4 KB each.
  for (size_t i = 0; i < kTasks; ++i) Submit(spec);
  AwaitStats([](const auto& s) { return s.tasks().in_flight() == 0; });
  v1::ListTasksRequest request;
  request.set_page_size(1'000);
  v1::ListTasksResponse response;
  ASSERT_TRUE(List(request, &response).ok());
  EXPECT_LT(response.tasks_size(), static_cast<int>(kTasks));
  EXPECT_LT(response.ByteSizeLong(), ListTasksCall::kPageBytesMax + 8 * 1024);
  EXPECT_FALSE(response.next_page_token().empty());
  EXPECT_EQ(ListAll(request).size(), kTasks);
}

TEST_F(ListCallTest, TellsHandlerAndLabelsOfOneTask) {
  StartServer();
  const uint64_t id = Submit(Labelled(Spec("echo", "out"), "app", "shop"));
  AwaitEnd(id);
  for (const bool labelled : {true, false}) {  // Calls are used again.
    grpc::ClientContext context;
    v1::GetTaskRequest request;
    request.set_task_id(labelled ? id : Submit(Spec("noop")));
    v1::GetTaskResponse response;
    ASSERT_TRUE(tasks_->GetTask(&context, request, &response).ok());
    EXPECT_EQ(response.handler(), labelled ? "echo" : "noop");
    EXPECT_EQ(response.labels_size(), labelled ? 1 : 0);
    EXPECT_EQ(response.result().output(), labelled ? "out" : "");
  }
}

TEST_F(ListCallTest, RefusesLabelsOverTheirLimits) {
  StartServer();
  EXPECT_EQ(FieldOf(Run(Labelled(Spec("noop"), "no spaces", "v"))), "spec.labels[\"no spaces\"]");
  EXPECT_EQ(FieldOf(Run(Labelled(Spec("noop"), "k", std::string(129, 'v')))), "spec.labels[\"k\"]");
  EXPECT_TRUE(Run(Labelled(Spec("noop"), "k", std::string(128, 'v'))).ok());
}

}  // namespace
}  // namespace weft
