#include "client/bench_worker.h"

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/status_convert.h"
#include "weft/status_details.h"

namespace weft {
namespace {

// The longest that the worker goes without a look at the clock and the stop flag.
constexpr std::chrono::milliseconds kPollInterval(100);

size_t CodeIndex(const grpc::Status& status) {
  const auto code = static_cast<size_t>(status.error_code());
  return code < kGrpcCodes ? code : static_cast<size_t>(grpc::StatusCode::UNKNOWN);
}

// Whether the next task may fare better at once.
bool MayFareBetter(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

}  // namespace

int64_t MonotonicNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool IsTerminal(v1::TaskState state) { return state >= v1::TASK_STATE_SUCCEEDED; }

absl::Status IdsFile::Open(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  path_ = path;
  file_.open(path, std::ios::trunc);
  if (!file_) return absl::InvalidArgumentError(absl::StrCat("cannot write ids to ", path));
  return absl::OkStatus();
}

void IdsFile::Write(uint64_t task_id, const char* outcome) {
  if (path_.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  file_ << task_id << ' ' << outcome << '\n';
}

absl::Status IdsFile::Close() {
  if (path_.empty()) return absl::OkStatus();
  file_.close();
  if (!file_) return absl::DataLossError(absl::StrCat("ids are missing from ", path_));
  return absl::OkStatus();
}

BenchWorker::~BenchWorker() {
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) continue;
}

void BenchWorker::AddCalls(v1::TaskService::Stub* stub, size_t outstanding) {
  if (options_.mode == BenchMode::kCoalesced) {
    window_ = outstanding;
    return;
  }
  if (options_.mode == BenchMode::kStream || options_.mode == BenchMode::kColumns) {
    calls_.push_back(MakeStreamCall(this, stub, outstanding));
    return;
  }
  for (size_t i = 0; i < outstanding; ++i) {
    calls_.push_back(options_.mode == BenchMode::kUnary ? MakeUnaryCall(this, stub)
                                                        : MakeSubmitCall(this, stub));
  }
}

void BenchWorker::Run() {
  if (options_.mode == BenchMode::kCoalesced) return RunCoalesced();
  start_ns_ = now_ns_ = MonotonicNs();
  live_calls_ = calls_.size();
  for (const auto& call : calls_) call->Start();
  while (live_calls_ > 0 && PollOnce()) continue;
  StopSending();
  report_.accepted += options_.mode == BenchMode::kSubmit ? 0 : report_.answered();
}

bool BenchWorker::PollOnce() {
  void* tag = nullptr;
  bool ok = false;
  const auto next = queue_.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + kPollInterval);
  if (next == grpc::CompletionQueue::SHUTDOWN) return false;
  now_ns_ = MonotonicNs();
  if (HasRunOut(now_ns_)) StopSending();
  if (next == grpc::CompletionQueue::GOT_EVENT) {
    const auto* event = static_cast<const BenchTag*>(tag);
    event->call->OnEvent(event->event, ok);
  }
  if (!going_on_ && !abandoned_ && now_ns_ - stopped_ns_ > options_.grace_ns) {
    abandoned_ = true;
    for (const auto& call : calls_) call->Abandon();
  }
  return true;
}

bool BenchWorker::HasRunOut(int64_t now_ns) const {
  const bool asked_to_stop = options_.stop != nullptr && options_.stop->load();
  return asked_to_stop || now_ns - start_ns_ >= options_.duration_ns;
}

void BenchWorker::StopSending() {
  if (!going_on_) return;
  going_on_ = false;
  stopped_ns_ = now_ns_;
  report_.elapsed_ns = now_ns_ - start_ns_;
}

void BenchWorker::Ended(const v1::TaskResult& result, int64_t sent_ns) {
  switch (result.state()) {
    case v1::TASK_STATE_SUCCEEDED:
      ++report_.succeeded;
      break;
    case v1::TASK_STATE_FAILED:
      ++report_.failed;
      break;
    case v1::TASK_STATE_CANCELLED:
      ++report_.cancelled;
      break;
    case v1::TASK_STATE_EXPIRED:
      ++report_.expired;
      break;
    default:
      Lost(grpc::Status(grpc::StatusCode::INTERNAL, "the daemon answered a task before its end"));
      return;
  }
  CountAnswer(result.queue_latency_ns(), result.execution_latency_ns(), sent_ns);
}

void BenchWorker::Succeeded(int64_t queue_ns, int64_t execution_ns, int64_t sent_ns) {
  ++report_.succeeded;
  CountAnswer(queue_ns, execution_ns, sent_ns);
}

void BenchWorker::CountAnswer(int64_t queue_ns, int64_t execution_ns, int64_t sent_ns) {
  report_.queue.Add(queue_ns);
  report_.execution.Add(execution_ns);
  report_.round_trip.Add(now_ns_ - sent_ns);
  if (going_on_) ++report_.answered_in_time;
  answered_.store(report_.answered(), std::memory_order_relaxed);
}

void BenchWorker::NoteError(const grpc::Status& status) {
  if (report_.first_error.empty()) {
    const absl::Status error = FromGrpcStatus(status);
    report_.first_error = absl::StrCat(CodeName(error), ": ", status.error_message());
  }
  if (MayFareBetter(status) || !going_on_) return;
  report_.ended_early = true;
  StopSending();
}

void BenchWorker::NoResult(const grpc::Status& status, uint64_t tasks) {
  NoResult(status, !ErrorReason(FromGrpcStatus(status)).empty(), tasks);
}

void BenchWorker::NoResult(const grpc::Status& status, bool is_refusal, uint64_t tasks) {
  (is_refusal ? report_.refused : report_.lost)[CodeIndex(status)] += tasks;
  NoteError(status);
}

void BenchWorker::Lost(const grpc::Status& status) {
  ++report_.lost[CodeIndex(status)];
  NoteError(status);
}

}  // namespace weft
