#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/active_cores.h"
#include "dispatch/execution_window.h"
#include "dispatch/options.h"
#include "dispatch/retention.h"
#include "metrics/cell.h"
#include "metrics/histogram.h"
#include "metrics/metric_source.h"
#include "task/priority.h"
#include "task/refusal.h"
#include "task/task_state.h"

namespace weft {

// What weft promises of every task and checks itself. Anything but 0 violations is a defect.
enum class Promise : uint8_t {
  kConservation,  // accepted = succeeded + failed + cancelled + expired + in flight.
  kOrder,         // submitted <= started <= completed, and exactly one terminal state.
  kBound,         // No queue is deeper than executor.max_queue_depth.
  kDeadline,      // Nothing starts after its deadline, nothing expires before it.
};
inline constexpr size_t kPromiseCount = 4;
// "conservation", "order", "bound", "deadline": the metric's label.
std::string_view PromiseName(Promise promise);

// What the Door's loop counts. Door thread only writes.
struct DoorCounters {
  Counter rounds;   // Passes of the loop.
  Counter spins;    // Idle times that ended while still spinning.
  Counter sleeps;   // Times it parked.
  Counter rings;    // Times a core woke it.
  Counter returns;  // Times it went home from the core's thread.
  Gauge spin_budget_ns;
};

// Tasks refused for want of room in the blocking pool itself. Door thread only writes.
struct PoolRefusals {
  Counter queue_full, slots_full;
  // Other reasons are not the pool's.
  void Count(RefusalReason reason) {
    if (reason == RefusalReason::kQueueFull) queue_full.Add();
    if (reason == RefusalReason::kSlotsFull) slots_full.Add();
  }
  uint64_t total() const { return queue_full.value() + slots_full.value(); }
};

// An ExecutionSums that other threads may read.
struct ExecutionGauges {
  Gauge executed, failed, total_ns, min_ns, max_ns, average_ns;
  void Set(const ExecutionSums& sums);
};

// The bounds that hold now, beside the gauges of what fills them.
struct DispatchBounds {
  Gauge queue_depth, blocking_queue_depth, in_flight_bytes, waiters, results_kept,
      results_kept_bytes;
  void Set(const DispatchOptions& options);
};

// What the Dispatcher counts. Written by the Door's thread only, read by any. Counters are exact
// at once, gauges as of the last check, at most a second old.
class DispatchStats : public MetricSource {
 public:
  // cpus: CPU number of each core by index. has_pool: a row for the blocking pool comes after them.
  DispatchStats(const std::vector<int>& cpus, bool has_pool);

  void SetActive(const ActiveCores& active) {
    active_cores.Set(active.count());
    active_cores_min.Set(active.least());
  }
  void CountViolation(Promise promise) { violations[static_cast<size_t>(promise)].Add(); }
  uint64_t Ended() const;
  uint64_t Violations() const;

  void Collect(MetricWriter& writer) const override;

  struct PerCore {
    std::string cpu;  // "pool" for the blocking pool.
    std::array<Gauge, kPriorityCount> queued;
    Gauge work_ahead_ns;  // Not the pool's.
    Counter stalls;       // Times a handler held it, or a thread of it, beyond the stall threshold.
  };

  Counter accepted;
  std::array<Counter, kTaskStateCount> ended;              // By terminal state.
  std::array<Counter, kRefusalReasonCount> refused;        // Of any kind of request.
  std::array<Counter, kRefusalReasonCount> refused_tasks;  // Submissions only.
  std::array<Counter, kPromiseCount> violations;
  // By how much tasks of cores started earlier or later than foretold; see kForetoldEvery.
  Histogram starts_early, starts_late;
  Counter clock_clamps;
  Counter absent_cores;  // Requests that named a core there is not.
  Gauge active_cores, active_cores_min;
  Counter core_parks, core_unparks;
  DoorCounters door;
  Gauge in_flight;
  Gauge in_flight_bytes;
  Gauge waiters;
  Gauge results_kept;
  Gauge results_kept_bytes;
  std::array<Gauge, kDropBoundCount> results_dropped;
  ExecutionGauges lifetime;
  ExecutionGauges recent;
  Gauge target_latency_ns;
  Gauge target_met;
  DispatchBounds bounds;
  Counter demotions;
  PoolRefusals pool_refused;
  std::vector<PerCore> cores;

 private:
  void CollectTasks(MetricWriter& writer) const;
  void CollectResults(MetricWriter& writer) const;
  void CollectExecution(MetricWriter& writer) const;
  void CollectDoor(MetricWriter& writer) const;

  const size_t workers_;
};

// Whether a core takes new tasks that do not name it.
enum class CoreState : uint8_t {
  kActive,    // It does.
  kDraining,  // It does not, and has some in flight.
  kParked,    // It does not, and has none.
};

// One core at one moment.
struct CoreSnapshot {
  uint32_t cpu = 0;
  uint32_t package = 0;
  uint32_t numa_node = 0;
  CoreState state = CoreState::kActive;
  std::array<uint64_t, kPriorityCount> queued{};
  uint64_t held = 0;     // The part of queued whose handler is paused.
  uint64_t started = 0;  // And not ended.
  uint64_t executed = 0;
  uint64_t stack_waits = 0;
  uint64_t sleeps = 0;
  uint64_t wakes = 0;
  uint64_t stalls = 0;
};

// A thread of the blocking pool that runs something.
struct BusyThread {
  uint32_t thread = 0;
  size_t handler = 0;  // By TaskEntry::index.
  int64_t running_for_ns = 0;
};

// The blocking pool at one moment.
struct PoolSnapshot {
  CoreSnapshot counts;
  uint32_t max_queue_depth = 0;
  size_t threads = 0;  // That live.
  size_t threads_max = 0;
  uint64_t threads_refused = 0;  // By the system.
  uint64_t refused = 0;          // Tasks, for want of room.
  std::vector<BusyThread> busy;
};

// The Dispatcher's part of what AdminService.GetStats tells.
struct StatsSnapshot {
  ExecutionSums lifetime;
  ExecutionSums last_10s;
  uint32_t active_workers = 0;  // Threads of cores, parked ones among them.
  uint32_t active_cores = 0;    // That take new tasks.
  int64_t target_latency_ns = 0;
  bool meeting_latency_target = true;
  uint64_t accepted = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t expired = 0;
  uint64_t in_flight = 0;  // Counted from the live slots.
  uint64_t refused = 0;
  std::array<uint64_t, kRefusalReasonCount> refused_by_reason{};
  std::vector<CoreSnapshot> cores;   // Without the pool's.
  std::optional<PoolSnapshot> pool;  // Absent: there is none.
  uint64_t results_kept = 0;
  uint64_t results_kept_bytes = 0;
  uint64_t waiters = 0;
  uint64_t promise_violations = 0;  // The cores' own included.
  uint64_t io_operations = 0;       // File operations completed, also those that failed.
  uint64_t io_failed = 0;
  uint64_t io_in_flight = 0;
  bool draining = false;
  uint32_t max_queue_depth = 0;
};

}  // namespace weft
