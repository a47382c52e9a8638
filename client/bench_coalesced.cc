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

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

}  // namespace

// The worker's thread submits, with the window as its only brake. What is counted of answers is the
// submitter's thread's until that has ended.
void BenchWorker::RunCoalesced() {
  start_ns_ = now_ns_ = MonotonicNs();
  auto client = Client::Create({.target = options_.target});
  std::unique_ptr<TaskSubmitter> submitter;
  if (client.ok()) {
    auto opened = (*client)->OpenSubmitter({.window = window_, .max_batch = options_.batch});
    if (opened.ok()) submitter = *std::move(opened);
  }
  uint64_t sent = 0;
  for (bool is_refused = submitter == nullptr; !is_refused && !is_over_.load();) {
    const int64_t sent_ns = MonotonicNs();
    if (HasRunOut(sent_ns)) break;
    ++sent;
    is_refused = !submitter
                      ->Submit(options_.spec,
                               [this, sent_ns](const absl::StatusOr<v1::TaskResult>& result) {
                                 OnAnswer(result, sent_ns);
                               })
                      .ok();
  }
  is_over_.store(true);
  const int64_t stopped_ns = MonotonicNs();
  while (submitter != nullptr && submitter->outstanding() > 0 &&
         MonotonicNs() - stopped_ns < options_.grace_ns) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  submitter.reset();
  now_ns_ = MonotonicNs();
  StopSending();
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
