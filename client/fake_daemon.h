#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "client/fake_columns.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "weft/v1/task_service.grpc.pb.h"

namespace weft {

// Answers weft.v1 in the test's own process on a port of its own. What a task does is said by its
// handler: "echo", "fail", "refuse" (RESOURCE_EXHAUSTED with a delay of 1 ms, the first
// `refusals` times), "drain" (UNAVAILABLE without a delay), "break" (UNAVAILABLE without details)
// or, in a stream, "hold" (never answered). Any thread.
class FakeDaemon : public v1::TaskService::Service {
 public:
  FakeDaemon() {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    target_ = "127.0.0.1:" + std::to_string(port);
  }

  [[nodiscard]] const std::string& target() const { return target_; }

  grpc::Status RunTask(grpc::ServerContext* /*context*/, const v1::RunTaskRequest* request,
                       v1::RunTaskResponse* response) override {
    ++calls;
    return Answer(request->spec(), response->mutable_result());
  }

  grpc::Status SubmitTask(grpc::ServerContext* /*context*/, const v1::SubmitTaskRequest* request,
                          v1::SubmitTaskResponse* response) override {
    ++calls;
    v1::TaskResult result;
    grpc::Status status = Answer(request->spec(), &result);
    response->set_task_id(++last_id_);
    return status;
  }

  grpc::Status SubmitTasks(grpc::ServerContext* /*context*/, const v1::SubmitTasksRequest* request,
                           v1::SubmitTasksResponse* response) override {
    ++calls;
    for (const v1::TaskSpec& spec : request->specs()) {
      v1::SubmitTasksRow* row = response->add_rows();
      row->set_client_tag(spec.client_tag());
      v1::TaskResult result;
      const grpc::Status status = Answer(spec, &result);
      if (status.ok()) {
        row->mutable_accepted()->set_task_id(++last_id_);
      } else {
        row->mutable_status()->ParseFromString(status.error_details());
      }
    }
    return grpc::Status::OK;
  }

  // Tasks 1 to 5, two a page; the page before the last is empty.
  grpc::Status ListTasks(grpc::ServerContext* /*context*/, const v1::ListTasksRequest* request,
                         v1::ListTasksResponse* response) override {
    const std::string& token = request->page_token();
    if (token == "empty") {
      response->set_next_page_token("last");
      return grpc::Status::OK;
    }
    const uint64_t first = token.empty() ? 1 : token == "second" ? 3 : 5;
    for (uint64_t id = first; id < std::min<uint64_t>(first + 2, 6); ++id) {
      response->add_tasks()->mutable_result()->set_task_id(id);
    }
    if (first == 1) response->set_next_page_token("second");
    if (first == 3) response->set_next_page_token("empty");
    return grpc::Status::OK;
  }

  // Begins, tells of one event after 7 that were missed, and then of nothing; the handler "drain"
  // in the filter ends the call instead.
  grpc::Status WatchTasks(grpc::ServerContext* context, const v1::WatchTasksRequest* request,
                          grpc::ServerWriter<v1::WatchTasksResponse>* writer) override {
    v1::WatchTasksResponse response;
    writer->Write(response);
    response.set_missed(7);
    response.add_events()->mutable_task()->mutable_result()->set_task_id(1);
    writer->Write(response);
    if (request->filter().handler() == "drain") {
      return Refused(grpc::StatusCode::UNAVAILABLE, "DRAINING", 0);
    }
    while (!context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::OK;
  }

  // Every second wait elapses before the task has ended.
  grpc::Status WaitTask(grpc::ServerContext* /*context*/, const v1::WaitTaskRequest* request,
                        v1::WaitTaskResponse* response) override {
    response->mutable_result()->set_task_id(request->task_id());
    const bool elapsed = ++waits_ % 2 == 1;
    response->mutable_result()->set_state(elapsed ? v1::TASK_STATE_RUNNING
                                                  : v1::TASK_STATE_SUCCEEDED);
    return grpc::Status::OK;
  }

  // Answers in the order of the tasks, those of columns that succeed as columns; "break" ends the
  // call without an answer, and "lie" is answered by a column that is too short.
  grpc::Status StreamTasks(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<v1::StreamTasksResponse, v1::StreamTasksRequest>* stream) override {
    v1::StreamTasksRequest request;
    while (stream->Read(&request)) {
      const bool is_in_columns = request.has_columns();
      if (is_in_columns) MakeRows(&request);
      largest_message = std::max<int>(largest_message, request.specs_size());
      v1::StreamTasksResponse response;
      for (const v1::TaskSpec& spec : request.specs()) {
        if (is_in_columns) ++tasks_in_columns;
        if (is_in_columns && AddToColumns(spec, response.mutable_columns())) continue;
        if (spec.handler() == "break") return Broken();
        if (spec.handler() == "hold") continue;
        v1::StreamTasksRow* row = response.add_rows();
        row->set_client_tag(spec.client_tag());
        const grpc::Status status = Answer(spec, row->mutable_result());
        if (!status.ok()) row->mutable_status()->ParseFromString(status.error_details());
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  std::atomic<int> calls{0};
  std::atomic<int> refusals{0};
  std::atomic<int> largest_message{0};
  std::atomic<int> tasks_in_columns{0};

 private:
  // False: its answer needs a row.
  bool AddToColumns(const v1::TaskSpec& spec, v1::ResultColumns* columns) {
    if (spec.handler() != "echo" && spec.handler() != "lie") return false;
    columns->set_count(columns->count() + 1);
    columns->add_task_ids(++last_id_);
    columns->add_submitted_at_ns(1'000);
    columns->add_started_at_ns(1'100);
    columns->add_completed_at_ns(1'300);
    columns->add_output_bytes(static_cast<uint32_t>(spec.payload().size()));
    columns->mutable_outputs()->append(spec.payload());
    if (spec.handler() == "lie" && columns->count() > 1) return true;
    columns->add_client_tags(spec.client_tag());
    return true;
  }

  static grpc::Status Broken() { return {grpc::StatusCode::UNAVAILABLE, "connection reset"}; }

  static grpc::Status Refused(grpc::StatusCode code, const char* reason, int32_t delay_ns) {
    google::rpc::Status status;
    status.set_code(code);
    status.set_message(reason);
    google::rpc::ErrorInfo info;
    info.set_domain("weft");
    info.set_reason(reason);
    status.add_details()->PackFrom(info);
    if (delay_ns > 0) {
      google::rpc::RetryInfo retry;
      retry.mutable_retry_delay()->set_nanos(delay_ns);
      status.add_details()->PackFrom(retry);
    }
    return {code, reason, status.SerializeAsString()};
  }

  grpc::Status Answer(const v1::TaskSpec& spec, v1::TaskResult* result) {
    if (spec.handler() == "break") return Broken();
    if (spec.handler() == "drain") return Refused(grpc::StatusCode::UNAVAILABLE, "DRAINING", 0);
    if (spec.handler() == "refuse" && refusals.fetch_sub(1) > 0) {
      return Refused(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", 1'000'000);
    }
    const bool failed = spec.handler() == "fail";
    result->set_client_tag(spec.client_tag());
    result->set_state(failed ? v1::TASK_STATE_FAILED : v1::TASK_STATE_SUCCEEDED);
    result->set_output(spec.payload());
    return grpc::Status::OK;
  }

  std::string target_;
  std::atomic<uint64_t> last_id_{0};
  std::atomic<int> waits_{0};
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace weft
