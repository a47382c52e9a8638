#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/latency_histogram.h"
#include "weft/v1/task.pb.h"

namespace weft {

enum class BenchMode {
  kUnary,      // RunTask.
  kStream,     // StreamTasks, `batch` rows a message.
  kColumns,    // The same as columns; the spec may have no affinity key and no labels.
  kSubmit,     // SubmitTask, then WaitTask until the task has ended.
  kCoalesced,  // Single tasks of one thread, through TaskSubmitter.
};

struct BenchOptions {
  std::string target = "127.0.0.1:7411";
  BenchMode mode = BenchMode::kUnary;
  // What each task is; client_tag is the engine's.
  v1::TaskSpec spec;
  // Calls, or messages of a stream, in flight; all connections together.
  size_t outstanding = 64;
  // Tasks a message, 1 to 1,024: kStream, kColumns; kCoalesced: at most.
  size_t batch = 64;
  // kUnary: silence before each call but the first.
  int64_t pause_ns = 0;
  int64_t duration_ns = 5'000'000'000;
  size_t connections = 1;
  // Each polls one completion queue; at most `connections`.
  size_t threads = 1;
  // How long to wait at the end for what is in flight before it is given up as lost.
  int64_t grace_ns = 30'000'000'000;
  // kSubmit: one line "ID OUTCOME" for each accepted task, written when its end is known; OUTCOME
  // is the name of a TaskState or LOST. Empty: none.
  std::string ids_out;
  // Set from elsewhere to end early. May be null.
  const std::atomic<bool>* stop = nullptr;
  // Called about once a second, from the thread that called RunBench, with the number of tasks
  // answered and the nanoseconds since the start. May be empty.
  std::function<void(uint64_t answered, int64_t elapsed_ns)> on_progress;
};

inline constexpr size_t kGrpcCodes = 17;

// What became of the tasks. Every task sent is in exactly one of succeeded, failed, cancelled,
// expired, refused and lost.
struct BenchReport {
  uint64_t sent = 0;
  // Those the daemon is known to have admitted: all that ended, and in kSubmit all that got an id.
  uint64_t accepted = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t expired = 0;
  // By gRPC code: the daemon said no and kept nothing.
  std::array<uint64_t, kGrpcCodes> refused{};
  // By gRPC code: the call broke without an answer, or an admitted task's result is gone.
  std::array<uint64_t, kGrpcCodes> lost{};
  // Answers that match nothing that was sent; anything but 0 is a defect of the daemon.
  uint64_t unmatched = 0;
  // From the first call until no more were begun.
  int64_t elapsed_ns = 0;
  // Answers within elapsed_ns, which the rate is computed from.
  uint64_t answered_in_time = 0;
  // An error that trying again does not help ended it before the time was up.
  bool ended_early = false;
  // The first refusal or broken call, for the reader.
  std::string first_error;
  LatencyHistogram queue;
  LatencyHistogram execution;
  LatencyHistogram round_trip;

  [[nodiscard]] uint64_t answered() const { return succeeded + failed + cancelled + expired; }
  [[nodiscard]] uint64_t refused_total() const;
  [[nodiscard]] uint64_t lost_total() const;
  [[nodiscard]] double tasks_per_second() const;
  void Merge(const BenchReport& other);
};

// Keeps `outstanding` calls in flight for the duration, then waits for those still in flight.
// UNAVAILABLE from the daemon or the connection ends it early and is no error: the report says so.
// INVALID_ARGUMENT when the options make no sense or the ids file cannot be written.
[[nodiscard]] absl::StatusOr<BenchReport> RunBench(const BenchOptions& options);

}  // namespace weft
