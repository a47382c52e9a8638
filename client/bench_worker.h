#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/bench_engine.h"
#include "weft/v1/task_service.grpc.pb.h"

namespace weft {

// Where accepted ids go, shared by the workers. Any thread.
class IdsFile {
 public:
  [[nodiscard]] absl::Status Open(const std::string& path);
  // Nothing when no file is open.
  void Write(uint64_t task_id, const char* outcome);
  [[nodiscard]] absl::Status Close();

 private:
  std::mutex mutex_;
  std::string path_;
  std::ofstream file_;
};

class BenchWorker;

// Calls made one after another on one completion queue, or one stream. Owned by its worker.
// Worker's thread only.
class BenchCall {
 public:
  explicit BenchCall(BenchWorker* worker) : worker_(worker) {}
  BenchCall(const BenchCall&) = delete;
  BenchCall& operator=(const BenchCall&) = delete;
  virtual ~BenchCall() = default;

  // Begins; called once.
  virtual void Start() = 0;
  // One event has come. Begins the next call or message if the worker goes on, else tells it when
  // nothing is in flight any more.
  virtual void OnEvent(int event, bool ok) = 0;
  // Breaks what is in flight.
  virtual void Abandon() = 0;

 protected:
  BenchWorker* const worker_;
};

// What the completion queue gives back.
struct BenchTag {
  BenchCall* call = nullptr;
  int event = 0;
};

// One thread, one completion queue, its calls and its counts.
class BenchWorker {
 public:
  BenchWorker(const BenchOptions& options, IdsFile* ids) : options_(options), ids_(ids) {}
  BenchWorker(const BenchWorker&) = delete;
  BenchWorker& operator=(const BenchWorker&) = delete;
  ~BenchWorker();

  // Adds what keeps `outstanding` calls or messages in flight through this stub. Before Run only.
  void AddCalls(v1::TaskService::Stub* stub, size_t outstanding);
  // Polls until the time is up and nothing is in flight.
  void Run();

  // For the calls, on the worker's thread.
  [[nodiscard]] bool going_on() const { return going_on_; }
  [[nodiscard]] int64_t now_ns() const { return now_ns_; }
  [[nodiscard]] const BenchOptions& options() const { return options_; }
  [[nodiscard]] grpc::CompletionQueue* queue() { return &queue_; }
  void Sent(uint64_t tasks) { report_.sent += tasks; }
  void Admitted() { ++report_.accepted; }
  void Ended(const v1::TaskResult& result, int64_t sent_ns);
  void Succeeded(int64_t queue_ns, int64_t execution_ns, int64_t sent_ns);
  // The daemon or the connection gave `tasks` tasks an error, each before it was admitted.
  void NoResult(const grpc::Status& status, uint64_t tasks);
  void NoResult(const grpc::Status& status, bool is_refusal, uint64_t tasks);
  // An admitted task will get no result.
  void Lost(const grpc::Status& status);
  // An answer to nothing that was asked.
  void Unmatched() { ++report_.unmatched; }
  void KeepId(uint64_t task_id, const char* outcome) { ids_->Write(task_id, outcome); }
  // Nothing of this call is in flight, and nothing will be.
  void CallEnded() { --live_calls_; }

  // Any thread.
  [[nodiscard]] uint64_t answered() const { return answered_.load(std::memory_order_relaxed); }
  // After Run.
  [[nodiscard]] const BenchReport& report() const { return report_; }

 private:
  // Run, of kCoalesced, whose answers come on the submitter's thread (bench_coalesced.cc).
  void RunCoalesced();
  void OnAnswer(const absl::StatusOr<v1::TaskResult>& result, int64_t sent_ns);
  // The time is up, or somebody asked to stop.
  [[nodiscard]] bool HasRunOut(int64_t now_ns) const;
  void CountAnswer(int64_t queue_ns, int64_t execution_ns, int64_t sent_ns);
  // False once nothing is in flight.
  bool PollOnce();
  void StopSending();
  void NoteError(const grpc::Status& status);

  const BenchOptions& options_;
  IdsFile* const ids_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<BenchCall>> calls_;
  BenchReport report_;
  std::atomic<uint64_t> answered_{0};  // Written by whoever counts answers.
  std::atomic<bool> is_over_{false};   // kCoalesced: nobody submits any more.
  size_t window_ = 0;                  // Likewise: how many may be in flight.
  size_t live_calls_ = 0;
  int64_t start_ns_ = 0;
  int64_t now_ns_ = 0;
  int64_t stopped_ns_ = 0;
  bool going_on_ = true;
  bool abandoned_ = false;
};

[[nodiscard]] int64_t MonotonicNs();

[[nodiscard]] bool IsTerminal(v1::TaskState state);

[[nodiscard]] std::unique_ptr<BenchCall> MakeUnaryCall(BenchWorker* worker,
                                                       v1::TaskService::Stub* stub);
[[nodiscard]] std::unique_ptr<BenchCall> MakeSubmitCall(BenchWorker* worker,
                                                        v1::TaskService::Stub* stub);
[[nodiscard]] std::unique_ptr<BenchCall> MakeStreamCall(BenchWorker* worker,
                                                        v1::TaskService::Stub* stub,
                                                        size_t messages);

}  // namespace weft
