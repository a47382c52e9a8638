#include "client/bench_engine.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/bench_worker.h"
#include "client/channel.h"

namespace weft {
namespace {

constexpr size_t kMaxBatch = 1024;
constexpr int kMaxMessageBytes = 256 * 1024 * 1024;
constexpr std::chrono::seconds kConnectTimeout(2);
constexpr std::chrono::seconds kProgressInterval(1);

absl::Status Validate(const BenchOptions& options) {
  const auto refuse = [](const char* field, auto value, const char* range) {
    return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ", must be ", range));
  };
  if (options.outstanding == 0) return refuse("outstanding", options.outstanding, "at least 1");
  if (options.batch == 0 || options.batch > kMaxBatch) {
    return refuse("batch", options.batch, "from 1 to 1024");
  }
  if (options.duration_ns <= 0) return refuse("duration", options.duration_ns, "more than 0");
  if (options.connections == 0 || options.connections > options.outstanding) {
    return refuse("connections", options.connections, "from 1 to outstanding");
  }
  if (options.threads == 0 || options.threads > options.connections) {
    return refuse("threads", options.threads, "from 1 to connections");
  }
  if (options.mode == BenchMode::kCoalesced && options.connections != 1) {
    return refuse("connections", options.connections, "1 in mode coalesced");
  }
  if (options.pause_ns < 0) return refuse("pause", options.pause_ns, "at least 0");
  if (options.pause_ns > 0 && options.mode != BenchMode::kUnary) {
    return absl::InvalidArgumentError("a pause needs mode unary");
  }
  if (options.mode == BenchMode::kColumns &&
      (!options.spec.affinity_key().empty() || !options.spec.labels().empty())) {
    return absl::InvalidArgumentError(
        "mode columns has no place for an affinity key or labels: mode stream has");
  }
  if (!options.ids_out.empty() && options.mode != BenchMode::kSubmit) {
    return absl::InvalidArgumentError("an ids file needs mode submit: only it learns the ids");
  }
  return absl::OkStatus();
}

// Connections, made before the clock starts.
absl::StatusOr<std::vector<std::unique_ptr<v1::TaskService::Stub>>> Connect(
    const BenchOptions& options) {
  std::vector<std::unique_ptr<v1::TaskService::Stub>> stubs;
  for (size_t i = 0; i < options.connections; ++i) {
    auto channel = MakeChannel(
        {.target = options.target, .max_message_bytes = kMaxMessageBytes, .own_connection = true});
    if (!channel.ok()) return channel.status();
    if (!(*channel)->WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout)) {
      return absl::UnavailableError(absl::StrCat("cannot connect to ", options.target));
    }
    stubs.push_back(v1::TaskService::NewStub(*channel));
  }
  return stubs;
}

// Lets the calling thread report progress until every worker has ended.
class Progress {
 public:
  explicit Progress(size_t workers) : running_(workers) {}

  void WorkerEnded() {
    const std::lock_guard<std::mutex> lock(mutex_);
    --running_;
    changed_.notify_one();
  }

  void WaitForAll(const BenchOptions& options,
                  const std::vector<std::unique_ptr<BenchWorker>>& workers) {
    const int64_t start_ns = MonotonicNs();
    std::unique_lock<std::mutex> lock(mutex_);
    while (running_ > 0) {
      if (!options.on_progress) {
        changed_.wait(lock);
        continue;
      }
      if (changed_.wait_for(lock, kProgressInterval) == std::cv_status::no_timeout) continue;
      uint64_t answered = 0;
      for (const auto& worker : workers) answered += worker->answered();
      options.on_progress(answered, MonotonicNs() - start_ns);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t running_;
};

}  // namespace

uint64_t BenchReport::refused_total() const {
  return std::accumulate(refused.begin(), refused.end(), uint64_t{0});
}

uint64_t BenchReport::lost_total() const {
  return std::accumulate(lost.begin(), lost.end(), uint64_t{0});
}

double BenchReport::tasks_per_second() const {
  if (elapsed_ns <= 0) return 0;
  return static_cast<double>(answered_in_time) * 1e9 / static_cast<double>(elapsed_ns);
}

void BenchReport::Merge(const BenchReport& other) {
  sent += other.sent;
  accepted += other.accepted;
  succeeded += other.succeeded;
  failed += other.failed;
  cancelled += other.cancelled;
  expired += other.expired;
  unmatched += other.unmatched;
  for (size_t i = 0; i < kGrpcCodes; ++i) {
    refused[i] += other.refused[i];
    lost[i] += other.lost[i];
  }
  elapsed_ns = std::max(elapsed_ns, other.elapsed_ns);
  answered_in_time += other.answered_in_time;
  ended_early = ended_early || other.ended_early;
  if (first_error.empty()) first_error = other.first_error;
  queue.Merge(other.queue);
  execution.Merge(other.execution);
  round_trip.Merge(other.round_trip);
}

absl::StatusOr<BenchReport> RunBench(const BenchOptions& options) {
  absl::Status valid = Validate(options);
  if (!valid.ok()) return valid;
  IdsFile ids;
  absl::Status opened = ids.Open(options.ids_out);
  if (!opened.ok()) return opened;
  auto stubs = Connect(options);
  if (!stubs.ok()) return stubs.status();

  std::vector<std::unique_ptr<BenchWorker>> workers;
  for (size_t i = 0; i < options.threads; ++i) {
    workers.push_back(std::make_unique<BenchWorker>(options, &ids));
  }
  for (size_t i = 0; i < stubs->size(); ++i) {
    const size_t extra = i < options.outstanding % stubs->size() ? 1 : 0;
    workers[i % workers.size()]->AddCalls((*stubs)[i].get(),
                                          options.outstanding / stubs->size() + extra);
  }
  Progress progress(workers.size());
  std::vector<std::thread> threads;
  for (const auto& worker : workers) {
    threads.emplace_back([&progress, &worker] {
      worker->Run();
      progress.WorkerEnded();
    });
  }
  progress.WaitForAll(options, workers);
  BenchReport report;
  for (size_t i = 0; i < workers.size(); ++i) {
    threads[i].join();
    report.Merge(workers[i]->report());
  }
  absl::Status closed = ids.Close();
  if (!closed.ok()) return closed;
  return report;
}

}  // namespace weft
