#include "rpc/admin_service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/plain_method.h"
#include "rpc/reload_call.h"
#include "rpc/stats_teller.h"
#include "rpc/stats_watch.h"
#include "weft/v1/admin_service.grpc.pb.h"
#include "wire/status_wire.h"

namespace weft {
namespace {

using AdminGrpc = v1::AdminService::AsyncService;

constexpr size_t kReloadsPosted = 2;

std::string_view IdleName(IdlePolicy idle) {
  constexpr std::string_view kNames[] = {"spin", "adaptive", "sleep"};
  return kNames[static_cast<size_t>(idle)];
}

grpc::Status ToStatus(const std::optional<Refusal>& refusal) {
  return refusal ? ToGrpcStatus(*refusal) : grpc::Status::OK;
}

}  // namespace

struct AdminService::Parts {
  template <class Request, class Response>
  using Method = PlainMethod<AdminGrpc, Request, Response>;

  Parts(const RpcContext& context_in, ProdSteering& steering_in, AdminInfo info_in)
      : context(context_in), steering(steering_in), info(std::move(info_in)) {
    for (size_t i = 0; i < steering.handler_count(); ++i) by_name.push_back(i);
    std::ranges::sort(by_name, {}, [this](size_t i) { return steering.handler_name(i); });
  }

  grpc::Status ListCores(v1::ListCoresResponse& response);
  grpc::Status SetBudget(const v1::SetBudgetRequest& request, v1::SetBudgetResponse& response);
  grpc::Status ListHandlers(v1::ListHandlersResponse& response);
  void WriteCore(const CoreActivity& activity, v1::CoreInfo* core) const;

  // Applies f to every unary method.
  template <class Function>
  void ForEachMethod(Function f) {
    f(get_stats), f(list_cores), f(set_budget), f(list_handlers), f(pause_handler);
    f(resume_handler), f(drain_server);
  }

  const RpcContext& context;
  ProdSteering& steering;
  const AdminInfo info;
  std::vector<size_t> by_name;  // Indices of the handlers.
  StatsTeller teller{context.dispatcher,
                     steering,
                     {info.version, info.io_backend, info.io_fallback_reason, info.executor_kind}};
  AdminGrpc service;
  StatsWatch watch{context, service, steering, teller};
  Method<v1::GetStatsRequest, v1::GetStatsResponse> get_stats{
      service, &AdminGrpc::RequestGetStats, [this](const auto&, auto& response) {
        teller.Write(steering.Handlers(), &response);
        return grpc::Status::OK;
      }};
  Method<v1::ListCoresRequest, v1::ListCoresResponse> list_cores{
      service, &AdminGrpc::RequestListCores,
      [this](const auto&, auto& response) { return ListCores(response); }};
  Method<v1::SetBudgetRequest, v1::SetBudgetResponse> set_budget{
      service, &AdminGrpc::RequestSetBudget,
      [this](const auto& request, auto& response) { return SetBudget(request, response); }};
  Method<v1::ListHandlersRequest, v1::ListHandlersResponse> list_handlers{
      service, &AdminGrpc::RequestListHandlers,
      [this](const auto&, auto& response) { return ListHandlers(response); }};
  Method<v1::PauseHandlerRequest, v1::PauseHandlerResponse> pause_handler{
      service, &AdminGrpc::RequestPauseHandler, [this](const auto& request, auto& response) {
        bool changed = false;
        const auto refusal = steering.Pause(request.handler(), &changed);
        response.set_changed(changed);
        return ToStatus(refusal);
      }};
  Method<v1::ResumeHandlerRequest, v1::ResumeHandlerResponse> resume_handler{
      service, &AdminGrpc::RequestResumeHandler, [this](const auto& request, auto& response) {
        bool changed = false;
        const auto refusal = steering.Resume(request.handler(), &changed);
        response.set_changed(changed);
        return ToStatus(refusal);
      }};
  Method<v1::DrainServerRequest, v1::DrainServerResponse> drain_server{
      service, &AdminGrpc::RequestDrainServer, [this](const auto&, auto& response) {
        response.set_in_flight(context.dispatcher.in_flight());
        info.request_drain();
        return grpc::Status::OK;
      }};
  CallPool<ReloadConfigCall> reload_config;
};

void AdminService::Parts::WriteCore(const CoreActivity& activity, v1::CoreInfo* core) const {
  if (activity.budget.microseconds > 0) {
    core->mutable_budget()->set_microseconds(activity.budget.microseconds);
  } else {
    core->mutable_budget()->set_polls(activity.budget.polls);
  }
  core->set_idle(std::string(IdleName(activity.idle)));
  core->set_spin_budget_ns(activity.spin_budget_ns);
  core->set_realtime(activity.realtime);
  core->set_locked_bytes(activity.locked_bytes);
  core->set_executor_kind(info.executor_kind);
  if (!activity.running_handler.has_value()) return;
  core->set_running_handler(steering.handler_name(*activity.running_handler));
  core->set_running_for_ns(activity.running_for_ns);
}

grpc::Status AdminService::Parts::ListCores(v1::ListCoresResponse& response) {
  response.Clear();
  const StatsSnapshot stats = context.dispatcher.Snapshot();
  const std::vector<CoreActivity> activities = steering.Cores();
  for (size_t index = 0; index < activities.size(); ++index) {
    v1::CoreInfo* const core = response.add_cores();
    StatsTeller::WriteCore(stats.cores[index], core->mutable_stats());
    core->set_numa_node(stats.cores[index].numa_node);
    core->set_package(stats.cores[index].package);
    WriteCore(activities[index], core);
  }
  if (stats.pool) teller.WritePool(*stats.pool, response.mutable_blocking());
  return grpc::Status::OK;
}

grpc::Status AdminService::Parts::SetBudget(const v1::SetBudgetRequest& request,
                                            v1::SetBudgetResponse& response) {
  response.Clear();
  if (request.budget().limit_case() == v1::Budget::LIMIT_NOT_SET) {
    Refusal refusal;
    refusal.reason = RefusalReason::kInvalidField;
    refusal.field = "budget";
    refusal.message =
        absl::StrCat("budget is absent; give budget.polls, 1 to ", TurnBudget::kMostPolls,
                     ", or budget.microseconds, 1 to ", TurnBudget::kMostMicroseconds);
    return ToGrpcStatus(context.dispatcher.Refuse(std::move(refusal)));
  }
  TurnBudget budget{.polls = request.budget().polls()};
  std::optional<uint32_t> cpu;
  if (request.has_core()) cpu = request.core();
  if (request.budget().has_microseconds()) {
    budget = {.microseconds = request.budget().microseconds()};
    // To a core 0 would mean that polls count.
    if (budget.microseconds == 0) {
      return ToGrpcStatus(context.dispatcher.Refuse(BudgetOutOfRange(
          "budget.microseconds", budget.microseconds, TurnBudget::kMostMicroseconds)));
    }
  }
  std::vector<uint32_t> cpus;
  const auto refusal = steering.SetBudget(cpu, budget, &cpus);
  response.mutable_cores()->Add(cpus.begin(), cpus.end());
  return ToStatus(refusal);
}

grpc::Status AdminService::Parts::ListHandlers(v1::ListHandlersResponse& response) {
  response.Clear();
  for (const size_t i : by_name) {
    v1::HandlerInfo* const handler = response.add_handlers();
    handler->set_name(steering.handler_name(i));
    handler->set_paused(steering.paused(i));
    handler->set_blocking(steering.blocking(i));
    handler->set_demoted(steering.demoted(i));
    if (i >= info.handlers.size()) continue;
    handler->set_help(info.handlers[i].help);
    handler->set_never_suspends(info.handlers[i].never_suspends);
  }
  return grpc::Status::OK;
}

AdminService::AdminService(const RpcContext& context, ProdSteering& steering, AdminInfo info)
    : parts_(std::make_unique<Parts>(context, steering, std::move(info))) {}
AdminService::~AdminService() = default;

grpc::Service& AdminService::service() { return parts_->service; }

void AdminService::Start() {
  parts_->ForEachMethod([this](auto& method) {
    method.Start(parts_->context.source, parts_->context.options.max_calls);
  });
  parts_->reload_config.Start(
      parts_->context.source, kReloadsPosted, parts_->context.options.max_calls, [this] {
        return std::make_unique<ReloadConfigCall>(
            ReloadConfigCall::Family{parts_->context.source, parts_->service, parts_->reload_config,
                                     parts_->info.request_reload});
      });
  parts_->watch.Start();
}

void AdminService::set_ready_at_ns(int64_t ready_at_ns) {
  parts_->teller.set_ready_at_ns(ready_at_ns);
}
void AdminService::EndWatches() { parts_->watch.End(); }

size_t AdminService::busy() const {
  size_t busy = parts_->reload_config.busy();
  parts_->ForEachMethod([&busy](const auto& method) { busy += method.busy(); });
  return busy;
}
size_t AdminService::watchers() const { return parts_->watch.open(); }

}  // namespace weft
