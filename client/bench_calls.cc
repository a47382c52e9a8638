#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <chrono>
#include <optional>

#include "client/bench_worker.h"

namespace weft {
namespace {

// RunTask again and again. Messages live as long as the call does: reusing them is a third of the
// throughput.
class UnaryCall : public BenchCall {
 public:
  UnaryCall(BenchWorker* worker, v1::TaskService::Stub* stub) : BenchCall(worker), stub_(stub) {
    *request_.mutable_spec() = worker->options().spec;
  }

  void Start() override {
    sent_ns_ = worker_->now_ns();
    request_.mutable_spec()->set_client_tag(++client_tag_);
    context_.emplace();
    reader_ = stub_->AsyncRunTask(&*context_, request_, worker_->queue());
    reader_->Finish(&response_, &status_, &answered_);
    worker_->Sent(1);
  }

  void OnEvent(int event, bool /*ok*/) override {
    if (event == kAnswered) TakeAnswer();
    if (!worker_->going_on()) {
      worker_->CallEnded();
    } else if (event == kAnswered && worker_->options().pause_ns > 0) {
      const auto pause = std::chrono::nanoseconds(worker_->options().pause_ns);
      alarm_.Set(worker_->queue(),
                 std::chrono::system_clock::now() +
                     std::chrono::duration_cast<std::chrono::system_clock::duration>(pause),
                 &paused_);
    } else {
      Start();
    }
  }

  void Abandon() override {
    context_->TryCancel();
    alarm_.Cancel();
  }

 private:
  enum { kAnswered, kPaused };

  void TakeAnswer() {
    if (!status_.ok()) {
      worker_->NoResult(status_, 1);
    } else if (response_.result().client_tag() != client_tag_) {
      worker_->Unmatched();
      worker_->Lost(grpc::Status(grpc::StatusCode::INTERNAL, "the answer has another client_tag"));
    } else {
      worker_->Ended(response_.result(), sent_ns_);
    }
  }

  v1::TaskService::Stub* const stub_;
  BenchTag answered_{this, kAnswered};
  BenchTag paused_{this, kPaused};
  grpc::Alarm alarm_;
  v1::RunTaskRequest request_;
  v1::RunTaskResponse response_;
  grpc::Status status_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::RunTaskResponse>> reader_;
  uint64_t client_tag_ = 0;
  int64_t sent_ns_ = 0;
};

// SubmitTask, then WaitTask until the task has ended; then the next one.
class SubmitCall : public BenchCall {
 public:
  SubmitCall(BenchWorker* worker, v1::TaskService::Stub* stub) : BenchCall(worker), stub_(stub) {
    *submit_.mutable_spec() = worker->options().spec;
  }

  void Start() override {
    sent_ns_ = worker_->now_ns();
    context_.emplace();
    submit_reader_ = stub_->AsyncSubmitTask(&*context_, submit_, worker_->queue());
    submit_reader_->Finish(&submitted_, &status_, &submit_tag_);
    worker_->Sent(1);
  }

  void OnEvent(int event, bool /*ok*/) override {
    if (event == kSubmitted) {
      OnSubmitted();
    } else {
      OnWaited();
    }
  }

  void Abandon() override {
    abandoned_ = true;
    context_->TryCancel();
  }

 private:
  enum { kSubmitted, kWaited };

  void OnSubmitted() {
    if (!status_.ok()) {
      worker_->NoResult(status_, 1);
      GoOn();
      return;
    }
    worker_->Admitted();
    wait_.set_task_id(submitted_.task_id());
    Wait();
  }

  void Wait() {
    context_.emplace();
    wait_reader_ = stub_->AsyncWaitTask(&*context_, wait_, worker_->queue());
    wait_reader_->Finish(&waited_, &status_, &wait_tag_);
  }

  void OnWaited() {
    const bool waiters_full = status_.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
    const bool elapsed = status_.ok() && !IsTerminal(waited_.result().state());
    if ((waiters_full || elapsed) && !abandoned_) {
      Wait();
      return;
    }
    if (status_.ok() && !elapsed) {
      worker_->Ended(waited_.result(), sent_ns_);
      worker_->KeepId(wait_.task_id(), v1::TaskState_Name(waited_.result().state()).c_str());
    } else {
      worker_->Lost(status_.ok() ? grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED,
                                                "a task had not ended when the bench ended")
                                 : status_);
      worker_->KeepId(wait_.task_id(), "LOST");
    }
    GoOn();
  }

  void GoOn() {
    if (worker_->going_on()) {
      Start();
    } else {
      worker_->CallEnded();
    }
  }

  v1::TaskService::Stub* const stub_;
  BenchTag submit_tag_{this, kSubmitted};
  BenchTag wait_tag_{this, kWaited};
  v1::SubmitTaskRequest submit_;
  v1::SubmitTaskResponse submitted_;
  v1::WaitTaskRequest wait_;
  v1::WaitTaskResponse waited_;
  grpc::Status status_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::SubmitTaskResponse>> submit_reader_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::WaitTaskResponse>> wait_reader_;
  int64_t sent_ns_ = 0;
  bool abandoned_ = false;
};

}  // namespace

std::unique_ptr<BenchCall> MakeUnaryCall(BenchWorker* worker, v1::TaskService::Stub* stub) {
  return std::make_unique<UnaryCall>(worker, stub);
}

std::unique_ptr<BenchCall> MakeSubmitCall(BenchWorker* worker, v1::TaskService::Stub* stub) {
  return std::make_unique<SubmitCall>(worker, stub);
}

}  // namespace weft
