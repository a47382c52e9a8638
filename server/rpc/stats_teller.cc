#include "rpc/stats_teller.h"

#include <algorithm>
#include <utility>

#include "dispatch/stats.h"
#include "task/limits.h"

namespace weft {
namespace {

void WriteSums(const ExecutionSums& sums, v1::ExecutorStats* message) {
  message->set_tasks_executed(sums.executed);
  message->set_tasks_failed(sums.failed);
  message->set_total_execution_time_ns(sums.total_ns);
  message->set_min_latency_ns(sums.min_ns);
  message->set_max_latency_ns(sums.max_ns);
  message->set_avg_latency_ns(sums.executed == 0 ? 0 : sums.total_ns / sums.executed);
}

void WriteTasks(const StatsSnapshot& stats, v1::TaskCounts* message) {
  message->set_accepted(stats.accepted);
  message->set_succeeded(stats.succeeded);
  message->set_failed(stats.failed);
  message->set_cancelled(stats.cancelled);
  message->set_expired(stats.expired);
  message->set_in_flight(stats.in_flight);
  message->set_refused(stats.refused);
}

void WriteRefusals(const StatsSnapshot& stats, v1::GetStatsResponse* message) {
  for (size_t i = 0; i < kRefusalReasonCount; ++i) {
    if (stats.refused_by_reason[i] == 0) continue;
    v1::RefusalCount* const refusal = message->add_refusals();
    refusal->set_reason(std::string(RefusalReasonName(static_cast<RefusalReason>(i))));
    refusal->set_count(stats.refused_by_reason[i]);
  }
}

v1::CoreState ToState(CoreState state) {
  switch (state) {
    case CoreState::kActive:
      return v1::CORE_STATE_ACTIVE;
    case CoreState::kDraining:
      return v1::CORE_STATE_DRAINING;
    case CoreState::kParked:
      return v1::CORE_STATE_PARKED;
  }
  return v1::CORE_STATE_UNSPECIFIED;
}

}  // namespace

StatsTeller::StatsTeller(ProdDispatcher& dispatcher, const ProdSteering& steering,
                         Constants constants)
    : dispatcher_(dispatcher), steering_(steering), constants_(std::move(constants)) {
  for (size_t i = 0; i < steering.handler_count(); ++i) by_name_.push_back(i);
  std::ranges::sort(by_name_, {}, [&](size_t i) { return steering.handler_name(i); });
}

void StatsTeller::Write(const std::vector<HandlerTotals>& totals,
                        v1::GetStatsResponse* message) const {
  const StatsSnapshot stats = dispatcher_.Snapshot();
  message->Clear();
  WriteSums(stats.lifetime, message->mutable_lifetime());
  WriteSums(stats.last_10s, message->mutable_last_10s());
  message->set_active_workers(stats.active_workers);
  message->set_target_latency_ns(static_cast<uint64_t>(stats.target_latency_ns));
  message->set_meeting_latency_target(stats.meeting_latency_target);
  WriteTasks(stats, message->mutable_tasks());
  message->set_active_cores(stats.active_cores);
  for (const CoreSnapshot& core : stats.cores) WriteCore(core, message->add_cores());
  message->set_results_kept(stats.results_kept);
  message->set_results_kept_bytes(stats.results_kept_bytes);
  message->set_waiters(stats.waiters);
  message->set_promise_violations(stats.promise_violations);
  message->set_ready_at_ns(ready_at_ns_);
  message->set_version(constants_.version);
  message->set_executor_kind(constants_.executor_kind);
  message->set_draining(stats.draining);
  message->set_max_queue_depth(stats.max_queue_depth);
  WriteHandlers(totals, message->mutable_handlers());
  WriteRefusals(stats, message);
  v1::IoStats* const io = message->mutable_io();
  io->set_backend(constants_.io_backend);
  io->set_fallback_reason(constants_.io_fallback_reason);
  io->set_operations(stats.io_operations);
  io->set_failed(stats.io_failed);
  io->set_in_flight(stats.io_in_flight);
  if (stats.pool) WritePool(*stats.pool, message->mutable_blocking());
}

void StatsTeller::WriteHandlers(
    const std::vector<HandlerTotals>& totals,
    google::protobuf::RepeatedPtrField<v1::HandlerStats>* messages) const {
  for (const size_t i : by_name_) {
    v1::HandlerStats* const message = messages->Add();
    WriteTotals(totals[i], message);
    message->set_name(steering_.handler_name(i));
    message->set_paused(steering_.paused(i));
    message->set_demoted(steering_.demoted(i));
  }
}

void StatsTeller::WriteTotals(const HandlerTotals& totals, v1::HandlerStats* message) {
  message->set_tasks_executed(totals.executed);
  message->set_tasks_failed(totals.failed);
  message->set_queue_p50_ns(totals.queue.QuantileBound(0.5));
  message->set_queue_p99_ns(totals.queue.QuantileBound(0.99));
  message->set_execution_p50_ns(totals.execution.QuantileBound(0.5));
  message->set_execution_p99_ns(totals.execution.QuantileBound(0.99));
}

void StatsTeller::WriteCore(const CoreSnapshot& core, v1::CoreStats* message) {
  const auto queued = [&core](Priority priority) {
    return static_cast<uint32_t>(core.queued[static_cast<size_t>(priority)]);
  };
  message->set_core(core.cpu);
  message->set_queued_high(queued(Priority::kHigh));
  message->set_queued_normal(queued(Priority::kNormal));
  message->set_queued_low(queued(Priority::kLow));
  message->set_held(static_cast<uint32_t>(core.held));
  message->set_started(static_cast<uint32_t>(core.started));
  message->set_tasks_executed(core.executed);
  message->set_stack_waits(core.stack_waits);
  message->set_sleeps(core.sleeps);
  message->set_wakes(core.wakes);
  message->set_stalls(core.stalls);
  message->set_package(core.package);
  message->set_numa_node(core.numa_node);
  if (core.cpu != kPoolCpu) message->set_state(ToState(core.state));
}

void StatsTeller::WritePool(const PoolSnapshot& pool, v1::BlockingPool* message) const {
  WriteCore(pool.counts, message->mutable_stats());
  message->set_threads(static_cast<uint32_t>(pool.threads));
  message->set_threads_max(static_cast<uint32_t>(pool.threads_max));
  message->set_max_queue_depth(pool.max_queue_depth);
  message->set_refused(pool.refused);
  message->set_threads_refused(pool.threads_refused);
  for (const BusyThread& busy : pool.busy) {
    v1::BlockingThread* const thread = message->add_busy();
    thread->set_thread(busy.thread);
    thread->set_running_handler(steering_.handler_name(busy.handler));
    thread->set_running_for_ns(busy.running_for_ns);
  }
}

}  // namespace weft
