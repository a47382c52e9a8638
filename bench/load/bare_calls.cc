#include "bench/load/bare_calls.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <optional>

namespace weft {
namespace {

// Any moment of 2026; fixed64 makes every time the same size.
constexpr int64_t kTimeNs = 1'790'000'000'000'000'000;

// Sets every field that weftd sets for a task that succeeded, so that the bytes are as many.
void FillResult(const v1::TaskSpec& spec, uint64_t task_id, v1::TaskResult* result) {
  result->set_task_id(task_id);
  result->set_client_tag(spec.client_tag());
  result->set_state(v1::TASK_STATE_SUCCEEDED);
  result->set_success(true);
  result->clear_output();
  result->set_submitted_at_ns(kTimeNs);
  result->set_started_at_ns(kTimeNs + 1'000);
  result->set_completed_at_ns(kTimeNs + 2'000);
  result->set_queue_latency_ns(1'000);
  result->set_execution_latency_ns(1'000);
  result->set_total_latency_ns(2'000);
  result->set_core(1);
  result->set_priority(v1::PRIORITY_NORMAL);
  result->set_attempts(1);
}

class BareUnaryCall : public BareCall {
 public:
  BareUnaryCall(BareService* service, grpc::ServerCompletionQueue* queue)
      : service_(service), queue_(queue) {}

  void Post() override {
    // The writer belongs to the context, so it goes first.
    writer_.reset();
    context_.emplace();
    writer_.emplace(&*context_);
    service_->RequestRunTask(&*context_, &request_, &*writer_, queue_, queue_, &requested_);
  }

  void OnEvent(int event, bool ok) override {
    if (event == kFinished) {
      Post();
    } else if (ok) {
      FillResult(request_.spec(), ++task_id_, response_.mutable_result());
      writer_->Finish(response_, grpc::Status::OK, &finished_);
    }
  }

 private:
  enum { kRequested, kFinished };

  BareService* const service_;
  grpc::ServerCompletionQueue* const queue_;
  BareTag requested_{this, kRequested};
  BareTag finished_{this, kFinished};
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncResponseWriter<v1::RunTaskResponse>> writer_;
  v1::RunTaskRequest request_;
  v1::RunTaskResponse response_;
  uint64_t task_id_ = uint64_t{1} << 56;
};

// Answers each message with one message of as many rows, in turn: read, write and the next read
// overlap, so the client's messages in flight keep the server busy.
class BareStreamCall : public BareCall {
 public:
  BareStreamCall(BareService* service, grpc::ServerCompletionQueue* queue)
      : service_(service), queue_(queue) {}

  void Post() override {
    stream_.reset();
    context_.emplace();
    stream_.emplace(&*context_);
    writing_ = unanswered_ = half_closed_ = false;
    service_->RequestStreamTasks(&*context_, &*stream_, queue_, queue_, &tags_[kRequested]);
  }

  void OnEvent(int event, bool ok) override {
    switch (event) {
      case kRequested:
        if (ok) Read();
        return;
      case kRead:
        unanswered_ = ok;
        half_closed_ = !ok;
        break;
      case kWritten:
        writing_ = false;
        break;
      default:
        Post();
        return;
    }
    if (unanswered_ && !writing_) Answer();
    if (half_closed_ && !writing_) stream_->Finish(grpc::Status::OK, &tags_[kFinished]);
  }

 private:
  enum { kRequested, kRead, kWritten, kFinished, kEvents };

  void Read() { stream_->Read(&request_, &tags_[kRead]); }

  void Answer() {
    unanswered_ = false;
    if (request_.has_columns()) {
      FillColumns();
    } else {
      FillRows();
    }
    writing_ = true;
    stream_->Write(response_, &tags_[kWritten]);
    Read();
  }

  // The columns that weftd has for tasks without payload or output.
  void FillColumns() {
    const v1::TaskColumns& tasks = request_.columns();
    v1::ResultColumns& results = *response_.mutable_columns();
    results.Clear();
    results.set_count(tasks.count());
    for (uint32_t i = 0; i < tasks.count(); ++i) {
      results.add_task_ids(++task_id_);
      results.add_client_tags(tasks.client_tags(static_cast<int>(i)));
      results.add_submitted_at_ns(kTimeNs);
      results.add_started_at_ns(kTimeNs + 1'000);
      results.add_completed_at_ns(kTimeNs + 2'000);
    }
  }

  void FillRows() {
    while (response_.rows_size() > request_.specs_size()) response_.mutable_rows()->RemoveLast();
    while (response_.rows_size() < request_.specs_size()) response_.add_rows();
    for (int i = 0; i < request_.specs_size(); ++i) {
      v1::StreamTasksRow* row = response_.mutable_rows(i);
      row->set_client_tag(request_.specs(i).client_tag());
      FillResult(request_.specs(i), ++task_id_, row->mutable_result());
    }
  }

  BareService* const service_;
  grpc::ServerCompletionQueue* const queue_;
  BareTag tags_[kEvents] = {{this, kRequested}, {this, kRead}, {this, kWritten}, {this, kFinished}};
  std::optional<grpc::ServerContext> context_;
  std::optional<grpc::ServerAsyncReaderWriter<v1::StreamTasksResponse, v1::StreamTasksRequest>>
      stream_;
  v1::StreamTasksRequest request_;
  v1::StreamTasksResponse response_;
  uint64_t task_id_ = uint64_t{1} << 56;
  bool writing_ = false;
  bool unanswered_ = false;
  bool half_closed_ = false;
};

}  // namespace

BareCalls::BareCalls(BareService* service, grpc::ServerCompletionQueue* queue, size_t unary_slots,
                     size_t stream_slots) {
  for (size_t i = 0; i < unary_slots; ++i) {
    calls_.push_back(std::make_unique<BareUnaryCall>(service, queue));
  }
  for (size_t i = 0; i < stream_slots; ++i) {
    calls_.push_back(std::make_unique<BareStreamCall>(service, queue));
  }
}

void BareCalls::Post() {
  for (const auto& call : calls_) call->Post();
}

}  // namespace weft
