#include <grpcpp/support/status.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "client/bench_worker.h"
#include "weft/client.h"
#include "weft/status_details.h"

namespace weft {
namespace {

// The longest that the worker goes without a look at the clock and the stop flag.
constexpr int64_t kRoomLookNs = 100'000'000;

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

}  // namespace

// The worker's thread submits, with the window as its only brake. What is counted of answers is the
// submitter's thread's until that has ended.
void BenchWorker::RunCoalesced() {
  auto client = Client::Create({.target = options_.target});
  absl::Status status = client.status();
  std::unique_ptr<TaskSubmitter> submitter;
  if (status.ok()) {
    // The connection is there before the clock starts.
    static_cast<void>((*client)->IsServing());
    auto opened = (*client)->OpenSubmitter({.window = window_, .max_batch = options_.batch});
    status = opened.status();
    if (opened.ok()) submitter = *std::move(opened);
  }
  start_ns_ = now_ns_ = MonotonicNs();
  if (submitter == nullptr) return NoteError(ToGrpc(status));
  uint64_t sent = 0;
  int64_t sent_ns = start_ns_;
  while (!is_over_.load() && !HasRunOut(sent_ns = MonotonicNs())) {
    status = submitter->Submit(
        options_.spec,
        [this, sent_ns](const absl::StatusOr<v1::TaskResult>& result) {
          OnAnswer(result, sent_ns);
        },
        kRoomLookNs);
    if (status.ok()) ++sent;
    if (!status.ok() && !absl::IsResourceExhausted(status)) break;
  }
  is_over_.store(true);
  const int64_t stopped_ns = MonotonicNs();
  while (submitter->outstanding() > 0 && MonotonicNs() - stopped_ns < options_.grace_ns) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  submitter.reset();
  if (going_on_) now_ns_ = stopped_ns;
  StopSending();
  if (!status.ok() && !absl::IsResourceExhausted(status)) NoteError(ToGrpc(status));
  report_.sent = sent;
  report_.accepted = report_.answered();
}

void BenchWorker::OnAnswer(const absl::StatusOr<v1::TaskResult>& result, int64_t sent_ns) {
  now_ns_ = MonotonicNs();
  if (is_over_.load() || HasRunOut(now_ns_)) StopSending();
  if (result.ok()) {
    Ended(*result, sent_ns);
  } else {
    NoResult(ToGrpc(result.status()), !ErrorReason(result.status()).empty(), 1);
  }
  if (!going_on_) is_over_.store(true);
}

}  // namespace weft
