#include <grpcpp/client_context.h>
#include <grpcpp/support/async_stream.h>

#include <vector>

#include "client/bench_worker.h"
#include "client/columns.h"

namespace weft {
namespace {

// One StreamTasks call with a fixed number of messages' tasks in flight, as rows or as columns. A
// task's client_tag is its slot and how often that slot was used, so that an answer given twice is
// noticed.
class StreamCall : public BenchCall {
 public:
  StreamCall(BenchWorker* worker, v1::TaskService::Stub* stub, size_t messages)
      : BenchCall(worker), stub_(stub), batch_(worker->options().batch) {
    for (size_t i = 0; i < batch_; ++i) *request_.add_specs() = worker->options().spec;
    if (worker->options().mode == BenchMode::kColumns) MakeColumns(&request_);
    slots_.resize(messages * batch_);
    for (size_t i = slots_.size(); i > 0; --i) free_.push_back(static_cast<uint32_t>(i - 1));
  }

  void Start() override {
    stream_ = stub_->AsyncStreamTasks(&context_, worker_->queue(), &tags_[kStarted]);
  }

  void OnEvent(int event, bool ok) override {
    if (event == kEnded) {
      OnEnded();
      return;
    }
    if (event == kWritten) writing_ = false;
    if (event == kRead) reading_ = false;
    broken_ = broken_ || !ok;
    if (event == kRead && ok) {
      TakeRows();
      TakeColumns();
    }
    if (!broken_) Advance();
    // When a write fails the pending read fails, too; the status is asked for after it.
    if (broken_ && !reading_ && !writing_) stream_->Finish(&status_, &tags_[kEnded]);
  }

  void Abandon() override { context_.TryCancel(); }

 private:
  enum { kStarted, kWritten, kRead, kEnded, kEvents };

  struct Slot {
    uint64_t client_tag = 0;
    int64_t sent_ns = 0;
    bool busy = false;
  };

  void Advance() {
    if (!reading_) {
      reading_ = true;
      stream_->Read(&response_, &tags_[kRead]);
    }
    if (writing_ || half_closed_) return;
    if (worker_->going_on()) {
      if (free_.size() >= batch_) SendMessage();
    } else if (free_.size() == slots_.size()) {
      half_closed_ = true;
      writing_ = true;
      stream_->WritesDone(&tags_[kWritten]);
    }
  }

  void SendMessage() {
    for (auto& spec : *request_.mutable_specs()) spec.set_client_tag(TakeSlot());
    if (request_.has_columns()) {
      auto& tags = *request_.mutable_columns()->mutable_client_tags();
      for (auto& tag : tags) tag = TakeSlot();
    }
    writing_ = true;
    worker_->Sent(batch_);
    stream_->Write(request_, &tags_[kWritten]);
  }

  uint64_t TakeSlot() {
    const uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.client_tag = (slot.client_tag & ~kIndexMask) + kOneUse + index;
    slot.sent_ns = worker_->now_ns();
    slot.busy = true;
    return slot.client_tag;
  }

  // Null: it answers nothing that is in flight.
  const Slot* Release(uint64_t client_tag) {
    const auto index = static_cast<uint32_t>(client_tag & kIndexMask);
    if (index >= slots_.size() || !slots_[index].busy || slots_[index].client_tag != client_tag) {
      worker_->Unmatched();
      return nullptr;
    }
    slots_[index].busy = false;
    free_.push_back(index);
    return &slots_[index];
  }

  void TakeColumns() {
    const v1::ResultColumns& columns = response_.columns();
    if (!IsWellFormed(columns) || columns.client_tags_size() != static_cast<int>(columns.count())) {
      return worker_->Unmatched();
    }
    const bool is_timed = !columns.started_at_ns().empty() && !columns.completed_at_ns().empty() &&
                          !columns.submitted_at_ns().empty();
    for (int i = 0; i < columns.client_tags_size(); ++i) {
      const Slot* const slot = Release(columns.client_tags(i));
      if (slot == nullptr) continue;
      if (is_timed) {
        worker_->Succeeded(columns.started_at_ns(i) - columns.submitted_at_ns(i),
                           columns.completed_at_ns(i) - columns.started_at_ns(i), slot->sent_ns);
      } else {
        worker_->Succeeded(0, 0, slot->sent_ns);
      }
    }
  }

  void TakeRows() {
    for (const auto& row : response_.rows()) {
      const Slot* const slot = Release(row.client_tag());
      if (slot == nullptr) continue;
      if (row.has_result()) {
        worker_->Ended(row.result(), slot->sent_ns);
      } else {
        worker_->NoResult(grpc::Status(static_cast<grpc::StatusCode>(row.status().code()),
                                       row.status().message(), row.status().SerializeAsString()),
                          1);
      }
    }
  }

  void OnEnded() {
    const uint64_t unanswered = slots_.size() - free_.size();
    if (unanswered > 0 || !status_.ok()) {
      worker_->NoResult(status_.ok() ? grpc::Status(grpc::StatusCode::INTERNAL,
                                                    "the stream ended with rows unanswered")
                                     : status_,
                        unanswered);
    }
    worker_->CallEnded();
  }

  static constexpr uint64_t kIndexMask = 0xffff'ffff;
  static constexpr uint64_t kOneUse = kIndexMask + 1;

  v1::TaskService::Stub* const stub_;
  const size_t batch_;
  BenchTag tags_[kEvents] = {{this, kStarted}, {this, kWritten}, {this, kRead}, {this, kEnded}};
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::StreamTasksRequest, v1::StreamTasksResponse>>
      stream_;
  v1::StreamTasksRequest request_;
  v1::StreamTasksResponse response_;
  grpc::Status status_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  bool reading_ = false;
  bool writing_ = false;
  bool half_closed_ = false;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<BenchCall> MakeStreamCall(BenchWorker* worker, v1::TaskService::Stub* stub,
                                          size_t messages) {
  return std::make_unique<StreamCall>(worker, stub, messages);
}

}  // namespace weft
