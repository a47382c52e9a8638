#include "weft/stream.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/columns.h"
#include "client/status_convert.h"
#include "client/stream_call.h"

namespace weft {
namespace {

// A message beyond either bound is sent before more is gathered. The first is the protocol's.
constexpr int kMaxRows = 1024;
constexpr size_t kMaxGatheredBytes = 1024 * 1024;

enum Event : intptr_t { kStarted = 1, kWritten, kRead, kHalfClosed, kEnded };

// A tag is only handed back, never followed.
void* Tag(Event event) {
  return reinterpret_cast<void*>(event);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

TaskStream::Call::Call(v1::TaskService::Stub* stub, const StreamOptions& options)
    : window(options.window) {
  if (options.timeout_ns > 0) {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::system_clock::duration>(
                             std::chrono::nanoseconds(options.timeout_ns)));
  }
  stream = stub->AsyncStreamTasks(&context, &queue, Tag(kStarted));
}

TaskStream::Call::~Call() {
  if (!ended) {
    context.TryCancel();
    broken = true;
    if (started && !reading) AskStatus();
    while (!ended) TakeEvent();
  }
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) continue;
}

bool TaskStream::Call::CanGather() const {
  return gathered.specs_size() < kMaxRows && gathered_bytes < kMaxGatheredBytes;
}

void TaskStream::Call::AskStatus() {
  if (asked_status) return;
  asked_status = true;
  stream->Finish(&status, Tag(kEnded));
}

void TaskStream::Call::Advance() {
  if (!started || broken) return;
  if (!reading) {
    reading = true;
    stream->Read(&received, Tag(kRead));
  }
  if (writing) return;
  if (gathered.specs_size() > 0) {
    writing = true;
    PreferColumns(&gathered);
    // The message is serialised before Write returns, so it can gather the next rows at once.
    stream->Write(gathered, Tag(kWritten));
    gathered.Clear();
    gathered_bytes = 0;
  } else if (half_closing && !half_closed) {
    half_closed = true;
    stream->WritesDone(Tag(kHalfClosed));
  }
}

void TaskStream::Call::TakeEvent() {
  void* tag = nullptr;
  bool ok = false;
  if (!queue.Next(&tag, &ok)) {
    ended = true;
    return;
  }
  switch (static_cast<Event>(reinterpret_cast<intptr_t>(tag))) {
    case kStarted:
      started = true;
      broken = broken || !ok;
      break;
    case kWritten:
      writing = false;
      broken = broken || !ok;
      break;
    case kRead:
      reading = false;
      broken = broken || !ok;
      if (!ok) break;
      TakeAnswers();
      break;
    case kHalfClosed:
      break;
    case kEnded:
      ended = true;
      broken = true;
      break;
  }
  // A read that finds nothing more means that the status has come.
  if (broken && !reading && !ended) AskStatus();
}

void TaskStream::Call::TakeAnswers() {
  for (auto& row : *received.mutable_rows()) answers.push_back(std::move(row));
  // A daemon whose columns do not fit each other: what it means by them is not known.
  if (!IsWellFormed(received.columns())) return context.TryCancel();
  ForEachResult(received.columns(), [this](v1::TaskResult&& result) {
    v1::StreamTasksRow& row = answers.emplace_back();
    row.set_client_tag(result.client_tag());
    *row.mutable_result() = std::move(result);
  });
}

TaskStream::TaskStream(std::unique_ptr<Call> call) : call_(std::move(call)) {}

TaskStream::~TaskStream() = default;

size_t TaskStream::outstanding() const { return call_->outstanding; }

bool TaskStream::CanSend() const {
  return call_->outstanding < call_->window && call_->CanGather();
}

absl::Status TaskStream::Send(const v1::TaskSpec& spec) {
  if (call_->half_closing) return absl::FailedPreconditionError("the stream was finished");
  if (!CanSend()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the stream's window of ", call_->window, " rows is full"));
  }
  if (call_->ended) return FromGrpcStatus(call_->status);
  *call_->gathered.add_specs() = spec;
  call_->gathered_bytes += spec.payload().size();
  ++call_->outstanding;
  call_->Advance();
  return absl::OkStatus();
}

absl::StatusOr<v1::StreamTasksRow> TaskStream::Next() {
  if (call_->outstanding == 0) return absl::FailedPreconditionError("no row is outstanding");
  while (call_->answers.empty()) {
    if (call_->ended) {
      absl::Status status = FromGrpcStatus(call_->status);
      if (!status.ok()) return status;
      return absl::InternalError(
          absl::StrCat("the stream ended with ", call_->outstanding, " rows unanswered"));
    }
    call_->Advance();
    call_->TakeEvent();
  }
  v1::StreamTasksRow row = std::move(call_->answers.front());
  call_->answers.pop_front();
  --call_->outstanding;
  return row;
}

absl::Status TaskStream::Finish() {
  if (call_->outstanding > 0) {
    return absl::FailedPreconditionError(absl::StrCat(call_->outstanding, " rows are outstanding"));
  }
  call_->half_closing = true;
  while (!call_->ended) {
    call_->Advance();
    call_->TakeEvent();
  }
  return FromGrpcStatus(call_->status);
}

absl::Status RowStatus(const v1::StreamTasksRow& row) {
  return row.has_status() ? FromRpcStatus(row.status()) : absl::OkStatus();
}

}  // namespace weft
