#include "dispatch/stats.h"

#include <cctype>

namespace weft {
namespace {

constexpr MetricDescription kAccepted = {"weft_dispatch_accepted_total", "Tasks admitted."};
constexpr MetricDescription kEnded = {"weft_dispatch_ended_total",
                                      "Tasks ended, by terminal state."};
constexpr MetricDescription kRefused = {"weft_dispatch_refused_total",
                                        "Requests refused by the dispatcher, by reason."};
constexpr MetricDescription kAbsentCores = {
    "weft_dispatch_core_out_of_range_total",
    "Requests refused because a task, a filter, a budget or a task's id named a core that is not "
    "there."};
constexpr MetricDescription kInFlight = {"weft_dispatch_in_flight",
                                         "Tasks admitted and not ended."};
constexpr MetricDescription kInFlightBytes = {
    "weft_dispatch_in_flight_bytes",
    "Bytes of payloads and labels of the tasks in flight, and of answers that "
    "clients have not read."};
constexpr MetricDescription kQueueDepth = {"weft_dispatch_queue_depth",
                                           "Tasks admitted and not started, by core and priority."};
constexpr MetricDescription kWorkAhead = {
    "weft_dispatch_work_ahead_seconds",
    "Expected time until a new task of low priority would start on that core."};
constexpr MetricDescription kStartError = {
    "weft_dispatch_start_error_seconds",
    "By how much tasks started earlier or later than was foretold at their admission: of those "
    "without a deadline whose handlers take less than 5 us only one in sixteen."};
constexpr MetricDescription kQueueDepthMax = {
    "weft_dispatch_queue_depth_max",
    "executor.max_queue_depth: bound of each core's and level's weft_dispatch_queue_depth."};
constexpr MetricDescription kPoolQueueDepthMax = {
    "weft_dispatch_pool_queue_depth_max",
    "blocking.max_queue_depth: bound of each level's weft_dispatch_queue_depth of core \"pool\"."};
constexpr MetricDescription kDemotions = {
    "weft_dispatch_demotions_total",
    "Times a handler was demoted to the blocking pool, by executor.stall_policy."};
constexpr MetricDescription kPoolRefused = {
    "weft_dispatch_pool_refused_total",
    "Tasks refused because the blocking pool had no room for them: queue_full, by "
    "blocking.max_queue_depth; slots_full, as too many of its tasks were not yet answered."};
constexpr MetricDescription kInFlightMaxBytes = {
    "weft_dispatch_in_flight_max_bytes",
    "limits.max_in_flight_bytes: bound of weft_dispatch_in_flight_bytes."};
constexpr MetricDescription kWaitersMax = {"weft_dispatch_waiters_max",
                                           "limits.max_waiters: bound of weft_dispatch_waiters."};
constexpr MetricDescription kKeptMax = {"weft_dispatch_results_kept_max",
                                        "results.max_count: bound of weft_dispatch_results_kept."};
constexpr MetricDescription kKeptMaxBytes = {
    "weft_dispatch_results_kept_max_bytes",
    "results.max_bytes: bound of weft_dispatch_results_kept_bytes."};
constexpr MetricDescription kStalls = {
    "weft_dispatch_stalls_total",
    "Times a handler held a core beyond executor.stall_threshold_ms, or a thread of the blocking "
    "pool beyond blocking.stall_threshold_s."};
constexpr MetricDescription kViolations = {
    "weft_promise_violations_total",
    "Broken promises that weft found by its own checks; anything but 0 is a defect."};
constexpr MetricDescription kClockClamps = {
    "weft_dispatch_clock_clamps_total",
    "Tasks whose start was stamped before their submission, by disagreeing clocks of two CPUs."};
constexpr MetricDescription kWaiters = {"weft_dispatch_waiters",
                                        "Calls that wait for a task's result."};
constexpr MetricDescription kKept = {"weft_dispatch_results_kept", "Results kept."};
constexpr MetricDescription kKeptBytes = {
    "weft_dispatch_results_kept_bytes", "Bytes of output, error and labels held by kept results."};
constexpr MetricDescription kDropped = {
    "weft_dispatch_results_dropped_total",
    "Results no longer kept, or never kept, by the bound that was reached."};
constexpr MetricDescription kExecuted = {"weft_dispatch_executed_total",
                                         "Tasks started and ended."};
constexpr MetricDescription kFailed = {"weft_dispatch_execution_failures_total",
                                       "Tasks started and ended otherwise than by success."};
constexpr MetricDescription kSeconds = {"weft_dispatch_execution_seconds_total",
                                        "Sum of the execution latencies."};
constexpr MetricDescription kShortest = {"weft_dispatch_execution_min_seconds",
                                         "Shortest execution latency, by window."};
constexpr MetricDescription kLongest = {"weft_dispatch_execution_max_seconds",
                                        "Longest execution latency, by window."};
constexpr MetricDescription kAverage = {"weft_dispatch_execution_average_seconds",
                                        "Average execution latency, by window."};
constexpr MetricDescription kWorkers = {"weft_dispatch_active_workers", "Worker threads that run."};
constexpr MetricDescription kActive = {
    "weft_dispatch_active_cores", "Cores that take new tasks; the others are draining or parked."};
constexpr MetricDescription kActiveMin = {
    "weft_dispatch_active_cores_min",
    "executor.active_min, or all cores: least of weft_dispatch_active_cores."};
constexpr MetricDescription kActiveMax = {"weft_dispatch_active_cores_max",
                                          "All cores: bound of weft_dispatch_active_cores."};
constexpr MetricDescription kParks = {"weft_dispatch_core_parks_total",
                                      "Times a core was parked because load was low."};
constexpr MetricDescription kUnparks = {
    "weft_dispatch_core_unparks_total",
    "Times a parked core was taken in again: load was high, no other had room, or "
    "executor.active_min was raised."};
constexpr MetricDescription kTarget = {
    "weft_dispatch_latency_target_seconds",
    "executor.target_latency_ns: average execution latency that counts as met."};
constexpr MetricDescription kTargetMet = {
    "weft_dispatch_latency_target_met",
    "1 when the average execution latency of the last 10 s is at most the target."};
constexpr MetricDescription kRounds = {"weft_dispatch_door_rounds_total",
                                       "Passes of the Door's loop."};
constexpr MetricDescription kSpins = {"weft_dispatch_door_spins_total",
                                      "Idle times of the Door that ended while it still spun."};
constexpr MetricDescription kSleeps = {"weft_dispatch_door_sleeps_total",
                                       "Times the Door went to sleep."};
constexpr MetricDescription kRings = {"weft_dispatch_door_rings_total",
                                      "Times a core woke the Door."};
constexpr MetricDescription kReturns = {
    "weft_dispatch_door_returns_total",
    "Times the Door went back from the core's thread to its own; see executor.door."};
constexpr MetricDescription kSpinBudget = {"weft_dispatch_door_spin_budget_seconds",
                                           "How long the Door spins before it sleeps."};

constexpr std::array<std::string_view, kDropBoundCount> kDropBoundNames = {"age", "count", "bytes",
                                                                           "directory"};

double Value(const Counter& counter) { return static_cast<double>(counter.value()); }
double Value(const Gauge& gauge) { return static_cast<double>(gauge.value()); }
double Seconds(const Gauge& gauge) { return SecondsFromNs(gauge.value()); }

template <class Cells>
uint64_t Sum(const Cells& cells) {
  uint64_t sum = 0;
  for (const Counter& cell : cells) sum += cell.value();
  return sum;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

}  // namespace

std::string_view PromiseName(Promise promise) {
  constexpr std::string_view kNames[kPromiseCount] = {"conservation", "order", "bound", "deadline"};
  return kNames[static_cast<size_t>(promise)];
}

void ExecutionGauges::Set(const ExecutionSums& sums) {
  executed.Set(static_cast<int64_t>(sums.executed));
  failed.Set(static_cast<int64_t>(sums.failed));
  total_ns.Set(static_cast<int64_t>(sums.total_ns));
  min_ns.Set(static_cast<int64_t>(sums.min_ns));
  max_ns.Set(static_cast<int64_t>(sums.max_ns));
  average_ns.Set(static_cast<int64_t>(sums.AverageNs()));
}

void DispatchBounds::Set(const DispatchOptions& options) {
  queue_depth.Set(options.max_queue_depth);
  blocking_queue_depth.Set(options.blocking_queue_depth);
  in_flight_bytes.Set(static_cast<int64_t>(options.max_in_flight_bytes));
  waiters.Set(options.max_waiters);
  results_kept.Set(options.results_max_count);
  results_kept_bytes.Set(static_cast<int64_t>(options.results_max_bytes));
}

DispatchStats::DispatchStats(const std::vector<int>& cpus, bool has_pool)
    : cores(cpus.size() + (has_pool ? 1 : 0)), workers_(cpus.size()) {
  for (size_t index = 0; index < cpus.size(); ++index) {
    cores[index].cpu = std::to_string(cpus[index]);
  }
  if (has_pool) cores.back().cpu = "pool";
}

uint64_t DispatchStats::Ended() const { return Sum(ended); }
uint64_t DispatchStats::Violations() const { return Sum(violations); }

void DispatchStats::Collect(MetricWriter& writer) const {
  CollectTasks(writer);
  CollectResults(writer);
  CollectExecution(writer);
  CollectDoor(writer);
}

void DispatchStats::CollectTasks(MetricWriter& writer) const {
  writer.WriteCounter(kAccepted, {}, Value(accepted));
  for (size_t i = 0; i < kTaskStateCount; ++i) {
    const auto state = static_cast<TaskState>(i);
    if (!IsTerminal(state)) continue;
    writer.WriteCounter(kEnded, {{"state", TaskStateName(state)}}, Value(ended[i]));
  }
  for (size_t i = 0; i < kRefusalReasonCount; ++i) {
    const std::string reason = LowerCase(RefusalReasonName(static_cast<RefusalReason>(i)));
    writer.WriteCounter(kRefused, {{"reason", reason}}, Value(refused[i]));
  }
  writer.WriteCounter(kAbsentCores, {}, Value(absent_cores));
  writer.WriteGauge(kInFlight, {}, Value(in_flight));
  writer.WriteGauge(kInFlightBytes, {}, Value(in_flight_bytes));
  writer.WriteGauge(kInFlightMaxBytes, {}, Value(bounds.in_flight_bytes));
  writer.WriteGauge(kQueueDepthMax, {}, Value(bounds.queue_depth));
  writer.WriteGauge(kPoolQueueDepthMax, {}, Value(bounds.blocking_queue_depth));
  for (const PerCore& core : cores) {
    for (size_t level = 0; level < kPriorityCount; ++level) {
      writer.WriteGauge(
          kQueueDepth,
          {{"core", core.cpu}, {"priority", PriorityName(static_cast<Priority>(level))}},
          Value(core.queued[level]));
    }
  }
  for (size_t core = 0; core < workers_; ++core) {
    writer.WriteGauge(kWorkAhead, {{"core", cores[core].cpu}}, Seconds(cores[core].work_ahead_ns));
  }
  writer.WriteHistogram(kStartError, {{"direction", "early"}}, starts_early.Snapshot());
  writer.WriteHistogram(kStartError, {{"direction", "late"}}, starts_late.Snapshot());
  for (const PerCore& core : cores) {
    writer.WriteCounter(kStalls, {{"core", core.cpu}}, Value(core.stalls));
  }
  writer.WriteCounter(kDemotions, {}, Value(demotions));
  writer.WriteCounter(kPoolRefused, {{"reason", "queue_full"}}, Value(pool_refused.queue_full));
  writer.WriteCounter(kPoolRefused, {{"reason", "slots_full"}}, Value(pool_refused.slots_full));
  for (size_t i = 0; i < kPromiseCount; ++i) {
    writer.WriteCounter(kViolations, {{"promise", PromiseName(static_cast<Promise>(i))}},
                        Value(violations[i]));
  }
  writer.WriteCounter(kClockClamps, {}, Value(clock_clamps));
}

void DispatchStats::CollectResults(MetricWriter& writer) const {
  writer.WriteGauge(kWaiters, {}, Value(waiters));
  writer.WriteGauge(kWaitersMax, {}, Value(bounds.waiters));
  writer.WriteGauge(kKept, {}, Value(results_kept));
  writer.WriteGauge(kKeptBytes, {}, Value(results_kept_bytes));
  writer.WriteGauge(kKeptMax, {}, Value(bounds.results_kept));
  writer.WriteGauge(kKeptMaxBytes, {}, Value(bounds.results_kept_bytes));
  for (size_t i = 0; i < kDropBoundCount; ++i) {
    writer.WriteCounter(kDropped, {{"bound", kDropBoundNames[i]}}, Value(results_dropped[i]));
  }
}

void DispatchStats::CollectExecution(MetricWriter& writer) const {
  writer.WriteCounter(kExecuted, {}, Value(lifetime.executed));
  writer.WriteCounter(kFailed, {}, Value(lifetime.failed));
  writer.WriteCounter(kSeconds, {}, Seconds(lifetime.total_ns));
  for (const bool is_recent : {false, true}) {
    const ExecutionGauges& sums = is_recent ? recent : lifetime;
    const MetricLabel window = {"window", is_recent ? "10s" : "lifetime"};
    writer.WriteGauge(kShortest, {window}, Seconds(sums.min_ns));
    writer.WriteGauge(kLongest, {window}, Seconds(sums.max_ns));
    writer.WriteGauge(kAverage, {window}, Seconds(sums.average_ns));
  }
  writer.WriteGauge(kWorkers, {}, static_cast<double>(workers_));
  writer.WriteGauge(kActive, {}, Value(active_cores));
  writer.WriteGauge(kActiveMin, {}, Value(active_cores_min));
  writer.WriteGauge(kActiveMax, {}, static_cast<double>(workers_));
  writer.WriteCounter(kParks, {}, Value(core_parks));
  writer.WriteCounter(kUnparks, {}, Value(core_unparks));
  writer.WriteGauge(kTarget, {}, Seconds(target_latency_ns));
  writer.WriteGauge(kTargetMet, {}, Value(target_met));
}

void DispatchStats::CollectDoor(MetricWriter& writer) const {
  writer.WriteCounter(kRounds, {}, Value(door.rounds));
  writer.WriteCounter(kSpins, {}, Value(door.spins));
  writer.WriteCounter(kSleeps, {}, Value(door.sleeps));
  writer.WriteCounter(kRings, {}, Value(door.rings));
  writer.WriteCounter(kReturns, {}, Value(door.returns));
  writer.WriteGauge(kSpinBudget, {}, Seconds(door.spin_budget_ns));
}

}  // namespace weft
