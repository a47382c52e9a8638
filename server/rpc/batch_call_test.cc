// SubmitTasks as a client meets it: one answer a spec in the order of the specs, refusals in the
// very words of SubmitTask, and bounds on the whole.
#include "rpc/batch_call.h"

#include "rpc/rpc_fixture.h"
#include "task/limits.h"

namespace weft {
namespace {

class BatchCallTest : public RpcFixture {
 protected:
  static v1::SubmitTasksRequest Batch(size_t count, const v1::TaskSpec& spec) {
    v1::SubmitTasksRequest request;
    for (size_t i = 0; i < count; ++i) {
      *request.add_specs() = spec;
      request.mutable_specs(static_cast<int>(i))->set_client_tag(i);
    }
    return request;
  }
  grpc::Status SubmitBatch(const v1::SubmitTasksRequest& request,
                           v1::SubmitTasksResponse* response) {
    grpc::ClientContext context;
    return tasks_->SubmitTasks(&context, request, response);
  }
  // What SubmitTask answers to the spec.
  google::rpc::Status RefusalOf(const v1::TaskSpec& spec) {
    grpc::ClientContext context;
    v1::SubmitTaskRequest request;
    *request.mutable_spec() = spec;
    v1::SubmitTaskResponse response;
    google::rpc::Status message;
    message.ParseFromString(tasks_->SubmitTask(&context, request, &response).error_details());
    return message;
  }
};

TEST_F(BatchCallTest, AnswersEverySpecInItsPlaceAndKeepsTheResults) {
  dispatch_options_.max_queue_depth = core_options_.max_queue_depth = kMaxRows;
  StartServer();
  v1::SubmitTasksRequest request = Batch(kMaxRows, Spec("echo"));
  for (int i = 0; i < request.specs_size(); ++i) {
    request.mutable_specs(i)->set_payload(std::to_string(i));
  }
  v1::SubmitTasksResponse response;
  for (int round = 0; round < 3; ++round) {  // Blocks and calls are used again.
    const grpc::Status status = SubmitBatch(request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.rows_size(), request.specs_size());
    for (int i = 0; i < response.rows_size(); ++i) {
      const v1::SubmitTasksRow& row = response.rows(i);
      ASSERT_TRUE(row.has_accepted()) << row.DebugString();
      EXPECT_EQ(row.client_tag(), static_cast<uint64_t>(i));
      v1::TaskResult result;
      ASSERT_TRUE(Wait(row.accepted().task_id(), std::nullopt, &result).ok());
      EXPECT_EQ(result.output(), std::to_string(i));
      EXPECT_EQ(result.submitted_at_ns(), row.accepted().submitted_at_ns());
    }
  }
  EXPECT_EQ(Stats().tasks().succeeded(), 3 * kMaxRows);
}

TEST_F(BatchCallTest, RefusesBadSpecsInTheWordsOfSubmitTaskAndRunsTheOthers) {
  StartServer();
  v1::TaskSpec empty = Spec("");
  v1::TaskSpec unknown = Spec("ecko");
  v1::TaskSpec late = Spec("noop");
  late.set_timeout_ns(-1);
  v1::TaskSpec elsewhere = Spec("noop");
  elsewhere.set_core(4000);
  v1::TaskSpec both = Spec("noop");
  both.set_core(4000);
  both.set_affinity_key("k");
  v1::TaskSpec large = Spec("noop", std::string(dispatch_options_.max_payload_bytes + 1, 'x'));
  const std::vector<std::pair<v1::TaskSpec, std::string>> bad = {
      {empty, "handler"},  {unknown, "handler"},   {late, "timeout_ns"},
      {elsewhere, "core"}, {both, "affinity_key"}, {large, "payload"}};
  v1::SubmitTasksRequest request;
  for (const auto& [spec, field] : bad) {
    *request.add_specs() = Spec("noop");
    *request.add_specs() = spec;
  }
  v1::SubmitTasksResponse response;
  ASSERT_TRUE(SubmitBatch(request, &response).ok());
  ASSERT_EQ(response.rows_size(), request.specs_size());
  for (size_t i = 0; i < bad.size(); ++i) {
    const int place = static_cast<int>(2 * i) + 1;
    EXPECT_TRUE(response.rows(place - 1).has_accepted());
    const google::rpc::Status& status = response.rows(place).status();
    const google::rpc::Status single = RefusalOf(bad[i].first);
    const std::string path = "specs[" + std::to_string(place) + "]";
    EXPECT_EQ(status.code(), single.code());
    std::string words = single.message();
    words.replace(words.find("spec"), 4, path);
    EXPECT_EQ(status.message(), words);
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(),
              DetailOf<google::rpc::ErrorInfo>(single).reason());
    const auto bad_request = DetailOf<google::rpc::BadRequest>(status);
    ASSERT_EQ(bad_request.field_violations_size(), 1);
    EXPECT_EQ(bad_request.field_violations(0).field(), path + "." + bad[i].second);
  }
  const auto stats = AwaitStats([](const auto& s) { return s.tasks().in_flight() == 0; });
  EXPECT_EQ(stats.tasks().succeeded(), bad.size());
  EXPECT_EQ(stats.tasks().refused(), 2 * bad.size());
}

TEST_F(BatchCallTest, RefusesTheRowsBeyondABoundAndAdmitsTheRest) {
  dispatch_options_.max_queue_depth = core_options_.max_queue_depth = 4;
  core_options_.stacks = 1;
  StartServer();
  const uint64_t held = Submit(Spec("spin", "60s"));
  AwaitStats([](const auto& s) { return s.cores(0).started() == 1; });
  v1::SubmitTasksResponse response;
  ASSERT_TRUE(SubmitBatch(Batch(6, Spec("noop")), &response).ok());
  ASSERT_EQ(response.rows_size(), 6);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(response.rows(i).has_accepted(), i < 4) << i;
    if (i < 4) continue;
    const google::rpc::Status& status = response.rows(i).status();
    EXPECT_EQ(status.code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "QUEUE_FULL");
    EXPECT_EQ(DetailOf<google::rpc::QuotaFailure>(status).violations_size(), 1);
    EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(status).has_retry_delay());
  }
  v1::CancelTaskResponse cancelled;
  EXPECT_TRUE(Cancel(held, &cancelled).ok());
}

TEST_F(BatchCallTest, RefusesNoRowsAndTooManyAsAWhole) {
  StartServer();
  for (const size_t count : {size_t{0}, kMaxRows + 1}) {
    v1::SubmitTasksResponse response;
    const grpc::Status status = SubmitBatch(Batch(count, Spec("noop")), &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(FieldOf(status), "specs");
    EXPECT_NE(status.error_message().find(std::to_string(count)), std::string::npos);
  }
  EXPECT_EQ(Stats().tasks().accepted(), 0u);
}

TEST_F(BatchCallTest, RefusesEveryRowWhileDraining) {
  StartServer();
  const uint64_t held = Submit(Spec("sleep", "60s"));
  door_->RequestDrain();
  AwaitStats([](const auto& s) { return s.draining(); });
  v1::SubmitTasksResponse response;
  ASSERT_TRUE(SubmitBatch(Batch(2, Spec("noop")), &response).ok());
  for (const v1::SubmitTasksRow& row : response.rows()) {
    EXPECT_EQ(row.status().code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(row.status()).reason(), "DRAINING");
  }
  v1::CancelTaskResponse cancelled;
  EXPECT_TRUE(Cancel(held, &cancelled).ok());
}

}  // namespace
}  // namespace weft
