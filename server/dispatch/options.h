#pragma once

#include <cstddef>
#include <cstdint>

#include "executor/options.h"

namespace weft {

// What becomes of a handler that holds cores beyond the stall threshold again and again.
enum class StallPolicy : uint8_t {
  kReport,  // It is named in the log and counted, each time.
  kDemote,  // And from the kStallsToDemote-th time within kDemoteWindowNs on, its new tasks go to
            // the blocking pool, until ResumeHandler or the daemon's end.
};
inline constexpr size_t kStallsToDemote = 3;
inline constexpr int64_t kDemoteWindowNs = 60'000'000'000;

// What becomes of a task that is expected to start after its deadline only.
enum class DeadlinePolicy : uint8_t {
  kRefuse,  // It is refused at once, and told when it would have started.
  kQueue,   // It is queued all the same, and expires unless it starts sooner than expected.
};

// The Door's bounds. Each is named here as in the configuration.
struct DispatchOptions {
  uint32_t max_queue_depth = 10'000;           // executor.max_queue_depth, per core and level.
  size_t max_payload_bytes = 4 * 1024 * 1024;  // limits.max_payload_bytes
  size_t max_in_flight_bytes =
      256 * 1024 * 1024;  // limits.max_in_flight_bytes: payloads, labels, and answers not read.
  int64_t max_wait_ns = 300'000'000'000;                     // limits.max_wait_s
  uint32_t max_waiters = 10'000;                             // limits.max_waiters
  int64_t results_max_age_ns = 600'000'000'000;              // results.max_age_s
  uint32_t results_max_count = 100'000;                      // results.max_count
  size_t results_max_bytes = 64 * 1024 * 1024;               // results.max_bytes
  int64_t target_latency_ns = 5'000;                         // executor.target_latency_ns
  bool timing_metrics = true;                                // executor.timing_metrics
  uint32_t blocking_queue_depth = 1'000;                     // blocking.max_queue_depth, per level.
  int64_t blocking_stall_ns = 60'000'000'000;                // blocking.stall_threshold_s
  StallPolicy stall_policy = StallPolicy::kReport;           // executor.stall_policy
  DeadlinePolicy deadline_policy = DeadlinePolicy::kRefuse;  // executor.deadline_policy
  uint32_t active_min = 0;                                   // executor.active_min
  ExecutorKind executor_kind = ExecutorKind::kCore;          // executor.kind
};

}  // namespace weft
