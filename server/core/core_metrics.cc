#include "core/core_metrics.h"

#include <cstddef>
#include <utility>

namespace weft {
namespace {

constexpr MetricDescription kQueueSeconds = {
    "weft_core_queue_seconds", "Time from admission to start, of tasks that were started."};
constexpr MetricDescription kExecutionSeconds = {"weft_core_execution_seconds",
                                                 "Time from start to end, suspension included."};
constexpr MetricDescription kStarted = {"weft_core_started_total", "Tasks started."};
constexpr MetricDescription kUnstarted = {"weft_core_unstarted_total",
                                          "Tasks that ended without a start."};
constexpr MetricDescription kSpawned = {"weft_core_spawned_total",
                                        "Tasks that handlers spawned, taken in."};
constexpr MetricDescription kSpawnsRefused = {
    "weft_core_spawns_refused_total", "Spawns refused because all slots for them were taken."};
constexpr MetricDescription kLive = {"weft_core_live_tasks",
                                     "Tasks on the core, queued, running or suspended."};
constexpr MetricDescription kHeld = {"weft_core_held_tasks",
                                     "Tasks that stay queued because their handler is paused."};
constexpr MetricDescription kTurns = {"weft_core_turns_total",
                                      "Passes of the run loop that did something."};
constexpr MetricDescription kBusy = {"weft_core_busy_seconds_total",
                                     "Time in passes of the run loop that did something."};
constexpr MetricDescription kSuspensions = {"weft_core_suspensions_total",
                                            "Times a task was suspended."};
constexpr MetricDescription kStackWaits = {"weft_core_stack_waits_total",
                                           "Tasks set aside because every stack was in use."};
constexpr MetricDescription kStacksInUse = {"weft_core_stacks_in_use", "Stacks held by tasks."};
constexpr MetricDescription kStacksCommitted = {
    "weft_core_stacks_committed",
    "Stacks that have memory: held by tasks, or spare and kept for the next ones."};
constexpr MetricDescription kStacks = {"weft_core_stacks_in_use_max",
                                       "executor.stacks: bound of weft_core_stacks_in_use."};
constexpr MetricDescription kOutboxWaits = {
    "weft_core_outbox_waits_total", "Times a core started no more until results were taken."};
constexpr MetricDescription kSpins = {"weft_core_idle_spins_total",
                                      "Idle times that ended while still spinning."};
constexpr MetricDescription kSleeps = {"weft_core_sleeps_total", "Times the core went to sleep."};
constexpr MetricDescription kWakes = {"weft_core_wakes_total",
                                      "Times another thread woke the core."};
constexpr MetricDescription kSpinBudget = {
    "weft_core_spin_budget_seconds",
    "How long the core spins before it sleeps; negative: it never sleeps."};
constexpr MetricDescription kRealtime = {
    "weft_core_realtime", "1 when the core's thread has SCHED_FIFO (executor.realtime)."};
constexpr MetricDescription kLockedBytes = {
    "weft_core_locked_bytes", "Memory of slots and stacks that is locked (executor.lock_memory)."};
constexpr MetricDescription kHugePageBytes = {"weft_core_huge_page_bytes",
                                              "Memory of slots that lies in huge pages."};
constexpr MetricDescription kNodeBytes = {"weft_core_node_bytes",
                                          "Memory of slots, queues and stacks that is kept on the "
                                          "NUMA node of the core's CPU; 0 where the "
                                          "machine has one node."};
constexpr MetricDescription kOffNodeBytes = {
    "weft_core_off_node_bytes",
    "The part of weft_core_node_bytes that was on another node at the start all the same."};
constexpr MetricDescription kLongRuns = {"weft_core_long_runs_total",
                                         "Tasks that ran far longer than usual for their handler."};
constexpr MetricDescription kLongOffCore = {
    "weft_core_long_runs_off_core_seconds_total",
    "At most so long those had no CPU; the rest, waiting aside, is the handlers' own."};
constexpr MetricDescription kMisuse = {
    "weft_core_suspension_misuse_total",
    "Tasks failed because a handler registered as never_suspends tried to suspend."};
constexpr MetricDescription kThreads = {"weft_core_blocking_threads",
                                        "Threads of the blocking pool that live."};
constexpr MetricDescription kThreadsMax = {
    "weft_core_blocking_threads_max", "blocking.threads_max: bound of weft_core_blocking_threads."};
constexpr MetricDescription kThreadsBusy = {"weft_core_blocking_threads_busy",
                                            "Tasks that threads of the blocking pool run."};
constexpr MetricDescription kThreadWaits = {
    "weft_core_blocking_waits_total", "Tasks set aside because blocking.threads_max of them ran."};
constexpr MetricDescription kThreadsStarted = {
    "weft_core_blocking_threads_started_total",
    "Threads that the system granted to the blocking pool."};
constexpr MetricDescription kThreadsRefused = {
    "weft_core_blocking_threads_refused_total",
    "Threads that the system did not grant to the blocking pool."};
constexpr MetricDescription kViolations = {
    "weft_core_count_mismatches_total",
    "Times a core's count of live tasks disagreed with its lists; anything but 0 is a defect."};

}  // namespace

CoreMetrics::CoreMetrics(std::vector<CoreRow> cores, std::vector<std::string> handler_names)
    : cores_(std::move(cores)), handler_names_(std::move(handler_names)) {}

void CoreMetrics::Collect(MetricWriter& writer) const {
  CollectHandlers(writer);
  for (const CoreRow& core : cores_) {
    CollectCore(writer, core);
    if (core.pool != nullptr) CollectPool(writer, core);
  }
}

void CoreMetrics::CollectHandlers(MetricWriter& writer) const {
  for (size_t handler = 0; handler < handler_names_.size(); ++handler) {
    for (size_t level = 0; level < kPriorityCount; ++level) {
      HistogramSnapshot queue;
      HistogramSnapshot execution;
      for (const CoreRow& core : cores_) {
        const LatencyHistograms& row = core.stats->histograms[handler].levels[level];
        queue.Merge(row.queue.Snapshot());
        execution.Merge(row.execution.Snapshot());
      }
      const std::string_view name = PriorityName(static_cast<Priority>(level));
      const MetricLabels labels = {{"handler", handler_names_[handler]}, {"priority", name}};
      writer.WriteHistogram(kQueueSeconds, labels, queue);
      writer.WriteHistogram(kExecutionSeconds, labels, execution);
    }
  }
}

void CoreMetrics::CollectCore(MetricWriter& writer, const CoreRow& core) {
  const std::string cpu = core.pool != nullptr ? "pool" : std::to_string(core.cpu);
  const CoreStats& stats = *core.stats;
  const auto counter = [&](const MetricDescription& metric, const Counter& value) {
    writer.WriteCounter(metric, {{"core", cpu}}, static_cast<double>(value.value()));
  };
  const auto gauge = [&](const MetricDescription& metric, const Gauge& value) {
    writer.WriteGauge(metric, {{"core", cpu}}, static_cast<double>(value.value()));
  };
  for (size_t level = 0; level < kPriorityCount; ++level) {
    const std::string_view name = PriorityName(static_cast<Priority>(level));
    writer.WriteCounter(kStarted, {{"core", cpu}, {"priority", name}},
                        static_cast<double>(stats.started[level].value()));
    writer.WriteCounter(kUnstarted, {{"core", cpu}, {"priority", name}},
                        static_cast<double>(stats.unstarted[level].value()));
  }
  counter(kSpawned, stats.spawned);
  writer.WriteCounter(kSpawnsRefused, {{"core", cpu}},
                      static_cast<double>(stats.spawns_refused.load(std::memory_order_relaxed)));
  gauge(kLive, stats.live);
  gauge(kHeld, stats.held);
  counter(kTurns, stats.turns);
  writer.WriteCounter(kBusy, {{"core", cpu}},
                      SecondsFromNs(static_cast<int64_t>(stats.busy_ns.value())));
  counter(kSuspensions, stats.suspensions);
  if (core.pool == nullptr) {
    counter(kStackWaits, stats.stack_waits);
    gauge(kStacksInUse, stats.stacks_in_use);
    gauge(kStacksCommitted, stats.stacks_committed);
    writer.WriteGauge(kStacks, {{"core", cpu}}, core.stacks);
  }
  counter(kOutboxWaits, stats.outbox_waits);
  counter(kSpins, stats.idle_spins);
  counter(kSleeps, stats.sleeps);
  writer.WriteCounter(kWakes, {{"core", cpu}}, static_cast<double>(stats.wakes.load()));
  writer.WriteGauge(kSpinBudget, {{"core", cpu}}, SecondsFromNs(stats.spin_budget_ns.value()));
  gauge(kRealtime, stats.realtime);
  gauge(kLockedBytes, stats.locked_bytes);
  gauge(kHugePageBytes, stats.huge_page_bytes);
  gauge(kNodeBytes, stats.node_bytes);
  gauge(kOffNodeBytes, stats.off_node_bytes);
  counter(kLongRuns, stats.long_runs);
  writer.WriteCounter(kLongOffCore, {{"core", cpu}},
                      SecondsFromNs(static_cast<int64_t>(stats.long_off_core_ns.value())));
  counter(kMisuse, stats.misuse);
  counter(kViolations, stats.violations);
}

// Each of its tasks has a stack while it has a thread, so what waits for one waits for the other.
void CoreMetrics::CollectPool(MetricWriter& writer, const CoreRow& core) {
  const BlockingPool& pool = *core.pool;
  writer.WriteCounter(kThreadWaits, {}, static_cast<double>(core.stats->stack_waits.value()));
  writer.WriteGauge(kThreads, {}, static_cast<double>(pool.alive()));
  writer.WriteGauge(kThreadsMax, {}, static_cast<double>(pool.threads_max()));
  writer.WriteGauge(kThreadsBusy, {}, static_cast<double>(pool.busy()));
  writer.WriteCounter(kThreadsStarted, {}, static_cast<double>(pool.started()));
  writer.WriteCounter(kThreadsRefused, {}, static_cast<double>(pool.refused()));
}

}  // namespace weft
