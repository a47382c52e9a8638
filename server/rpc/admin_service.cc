#include "rpc/admin_service.h"

#include <algorithm>
#include <utility>

#include "dispatch/stats.h"
#include "rpc/plain_method.h"
#include "weft/v1/admin_service.grpc.pb.h"

namespace weft {
namespace {

using AdminGrpc = v1::AdminService::AsyncService;

void WriteSums(const ExecutionSums& sums, v1::ExecutorStats* message) {
  message->set_tasks_executed(sums.executed);
  message->set_tasks_failed(sums.failed);
  message->set_total_execution_time_ns(sums.total_ns);
  message->set_min_latency_ns(sums.min_ns);
  message->set_max_latency_ns(sums.max_ns);
  message->set_avg_latency_ns(sums.executed == 0 ? 0 : sums.total_ns / sums.executed);
}

void WriteCore(const CoreSnapshot& core, v1::CoreStats* message) {
  const auto queued = [&core](Priority priority) {
    return static_cast<uint32_t>(core.queued[static_cast<size_t>(priority)]);
  };
  message->set_core(core.cpu);
  message->set_queued_high(queued(Priority::kHigh));
  message->set_queued_normal(queued(Priority::kNormal));
  message->set_queued_low(queued(Priority::kLow));
  message->set_started(static_cast<uint32_t>(core.started));
  message->set_tasks_executed(core.executed);
  message->set_stack_waits(core.stack_waits);
  message->set_sleeps(core.sleeps);
  message->set_wakes(core.wakes);
  message->set_stalls(core.stalls);
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

void WriteStats(const StatsSnapshot& stats, v1::GetStatsResponse* message) {
  message->Clear();
  WriteSums(stats.lifetime, message->mutable_lifetime());
  WriteSums(stats.last_10s, message->mutable_last_10s());
  message->set_active_workers(stats.active_workers);
  message->set_target_latency_ns(static_cast<uint64_t>(stats.target_latency_ns));
  message->set_meeting_latency_target(stats.meeting_latency_target);
  WriteTasks(stats, message->mutable_tasks());
  for (const CoreSnapshot& core : stats.cores) WriteCore(core, message->add_cores());
  message->set_results_kept(stats.results_kept);
  message->set_results_kept_bytes(stats.results_kept_bytes);
  message->set_waiters(stats.waiters);
  message->set_promise_violations(stats.promise_violations);
  message->set_draining(stats.draining);
  message->set_max_queue_depth(stats.max_queue_depth);
}

v1::ListHandlersResponse MakeList(std::vector<AdminInfo::HandlerRow> rows) {
  std::ranges::sort(rows, {}, &AdminInfo::HandlerRow::name);
  v1::ListHandlersResponse list;
  for (const AdminInfo::HandlerRow& row : rows) {
    v1::HandlerInfo* const handler = list.add_handlers();
    handler->set_name(row.name);
    handler->set_help(row.help);
    handler->set_never_suspends(row.never_suspends);
  }
  return list;
}

}  // namespace

struct AdminService::Parts {
  Parts(const RpcContext& context_in, AdminInfo info)
      : context(context_in),
        handlers(MakeList(std::move(info.handlers))),
        version(std::move(info.version)),
        request_drain(std::move(info.request_drain)) {}

  grpc::Status GetStats(v1::GetStatsResponse& response) {
    WriteStats(context.dispatcher.Snapshot(), &response);
    response.set_version(version);
    response.set_ready_at_ns(ready_at_ns);
    return grpc::Status::OK;
  }
  grpc::Status DrainServer(v1::DrainServerResponse& response) {
    response.set_in_flight(context.dispatcher.in_flight());
    request_drain();
    return grpc::Status::OK;
  }

  const RpcContext& context;
  const v1::ListHandlersResponse handlers;
  const std::string version;
  const std::function<void()> request_drain;
  int64_t ready_at_ns = 0;
  AdminGrpc service;
  PlainMethod<AdminGrpc, v1::GetStatsRequest, v1::GetStatsResponse> get_stats{
      service, &AdminGrpc::RequestGetStats,
      [this](const auto&, auto& response) { return GetStats(response); }};
  PlainMethod<AdminGrpc, v1::ListHandlersRequest, v1::ListHandlersResponse> list_handlers{
      service, &AdminGrpc::RequestListHandlers, [this](const auto&, auto& response) {
        response = handlers;
        return grpc::Status::OK;
      }};
  PlainMethod<AdminGrpc, v1::DrainServerRequest, v1::DrainServerResponse> drain_server{
      service, &AdminGrpc::RequestDrainServer,
      [this](const auto&, auto& response) { return DrainServer(response); }};
};

AdminService::AdminService(const RpcContext& context, AdminInfo info)
    : parts_(std::make_unique<Parts>(context, std::move(info))) {}
AdminService::~AdminService() = default;

grpc::Service& AdminService::service() { return parts_->service; }

void AdminService::Start() {
  CompletionSource& source = parts_->context.source;
  const size_t max_calls = parts_->context.options.max_calls;
  parts_->get_stats.Start(source, max_calls);
  parts_->list_handlers.Start(source, max_calls);
  parts_->drain_server.Start(source, max_calls);
}

void AdminService::set_ready_at_ns(int64_t ready_at_ns) { parts_->ready_at_ns = ready_at_ns; }

size_t AdminService::busy() const {
  return parts_->get_stats.busy() + parts_->list_handlers.busy() + parts_->drain_server.busy();
}

}  // namespace weft
