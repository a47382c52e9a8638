#include "weft/client.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/channel.h"
#include "client/retry.h"
#include "client/stats_watch.h"
#include "client/status_convert.h"
#include "client/stream_call.h"
#include "client/submitter_engine.h"
#include "client/watch_call.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "weft/v1/admin_service.grpc.pb.h"
#include "weft/v1/task_service.grpc.pb.h"

namespace weft {
namespace {

// No daemon allows more (limits.max_wait_s is at most a day).
constexpr int64_t kLongestWaitNs = 86'400'000'000'000;

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckResponse;

std::chrono::system_clock::time_point DeadlineAfter(int64_t ns) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(
             std::chrono::nanoseconds(ns));
}

absl::Status Validate(const ClientOptions& options) {
  if (options.timeout_ns <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("timeout_ns is ", options.timeout_ns, ", must be more than 0"));
  }
  if (options.max_message_bytes <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_message_bytes is ", options.max_message_bytes, ", must be more than 0"));
  }
  if (options.retry.max_attempts < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("retry.max_attempts is ", options.retry.max_attempts, ", must be at least 1"));
  }
  return absl::OkStatus();
}

}  // namespace

struct Client::Connection {
  Connection(const ClientOptions& client_options, std::shared_ptr<grpc::Channel> connected)
      : options(client_options),
        channel(std::move(connected)),
        tasks(v1::TaskService::NewStub(channel)),
        admin(v1::AdminService::NewStub(channel)),
        health(Health::NewStub(channel)) {}

  // Makes one call through `method`, a callable of (context, response) that answers a grpc::Status.
  template <typename Response, typename Method>
  absl::StatusOr<Response> Call(const CallOptions& call, Repeat repeat, const Method& method) {
    Response response;
    const int64_t timeout_ns = call.timeout_ns > 0 ? call.timeout_ns : options.timeout_ns;
    const auto attempt = [&](int64_t left_ns) {
      grpc::ClientContext context;
      context.set_deadline(DeadlineAfter(left_ns));
      return FromGrpcStatus(method(&context, &response));
    };
    absl::Status status = CallWithRetry(attempt, timeout_ns, repeat, options.retry, environment);
    if (!status.ok()) return status;
    return response;
  }

  const ClientOptions options;
  const RetryEnvironment environment = RetryEnvironment::Real();
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<v1::TaskService::Stub> tasks;
  const std::unique_ptr<v1::AdminService::Stub> admin;
  const std::unique_ptr<Health::Stub> health;
};

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

Client::~Client() = default;

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  absl::Status valid = Validate(options);
  if (!valid.ok()) return valid;
  auto channel =
      MakeChannel({.target = options.target, .max_message_bytes = options.max_message_bytes});
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<Client>(
      new Client(std::make_unique<Connection>(options, *std::move(channel))));
}

absl::StatusOr<v1::TaskResult> Client::Run(const v1::RunTaskRequest& request,
                                           const CallOptions& options) {
  auto response = connection_->Call<v1::RunTaskResponse>(
      options, Repeat::kMayDouble, [&](grpc::ClientContext* context, v1::RunTaskResponse* answer) {
        return connection_->tasks->RunTask(context, request, answer);
      });
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_result());
}

absl::StatusOr<v1::SubmitTaskResponse> Client::Submit(const v1::TaskSpec& spec,
                                                      const CallOptions& options) {
  v1::SubmitTaskRequest request;
  *request.mutable_spec() = spec;
  return connection_->Call<v1::SubmitTaskResponse>(
      options, Repeat::kMayDouble,
      [&](grpc::ClientContext* context, v1::SubmitTaskResponse* answer) {
        return connection_->tasks->SubmitTask(context, request, answer);
      });
}

absl::StatusOr<v1::SubmitTasksResponse> Client::SubmitTasks(const v1::SubmitTasksRequest& request,
                                                            const CallOptions& options) {
  return connection_->Call<v1::SubmitTasksResponse>(
      options, Repeat::kMayDouble,
      [&](grpc::ClientContext* context, v1::SubmitTasksResponse* answer) {
        return connection_->tasks->SubmitTasks(context, request, answer);
      });
}

absl::StatusOr<v1::TaskResult> Client::Wait(uint64_t task_id, std::optional<int64_t> wait_ns,
                                            const CallOptions& options) {
  v1::WaitTaskRequest request;
  request.set_task_id(task_id);
  CallOptions extended = options;
  if (wait_ns) request.set_wait_ns(*wait_ns);
  const int64_t longest_ns = std::min(wait_ns.value_or(kLongestWaitNs), kLongestWaitNs);
  const bool is_enough = options.timeout_ns > (wait_ns ? longest_ns : 0);
  if (!is_enough) {
    const int64_t most_ns = std::numeric_limits<int64_t>::max() - kLongestWaitNs;
    extended.timeout_ns = longest_ns + std::min(connection_->options.timeout_ns, most_ns);
  }
  auto response = connection_->Call<v1::WaitTaskResponse>(
      extended, Repeat::kHarmless, [&](grpc::ClientContext* context, v1::WaitTaskResponse* answer) {
        return connection_->tasks->WaitTask(context, request, answer);
      });
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_result());
}

absl::StatusOr<v1::TaskResult> Client::Get(uint64_t task_id, const CallOptions& options) {
  v1::GetTaskRequest request;
  request.set_task_id(task_id);
  auto response = connection_->Call<v1::GetTaskResponse>(
      options, Repeat::kHarmless, [&](grpc::ClientContext* context, v1::GetTaskResponse* answer) {
        return connection_->tasks->GetTask(context, request, answer);
      });
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_result());
}

absl::StatusOr<v1::ListTasksResponse> Client::ListTasks(const v1::ListTasksRequest& request,
                                                        const CallOptions& options) {
  return connection_->Call<v1::ListTasksResponse>(
      options, Repeat::kHarmless, [&](grpc::ClientContext* context, v1::ListTasksResponse* answer) {
        return connection_->tasks->ListTasks(context, request, answer);
      });
}

std::unique_ptr<TaskWatch> Client::WatchTasks(const v1::TaskFilter& filter) {
  return std::unique_ptr<TaskWatch>(
      new TaskWatch(std::make_unique<TaskWatch::Call>(connection_->tasks.get(), filter)));
}

absl::StatusOr<v1::CancelTaskResponse> Client::Cancel(uint64_t task_id,
                                                      const CallOptions& options) {
  v1::CancelTaskRequest request;
  request.set_task_id(task_id);
  // A second cancel would answer ALREADY_ENDED for what the first one did.
  return connection_->Call<v1::CancelTaskResponse>(
      options, Repeat::kMayDouble,
      [&](grpc::ClientContext* context, v1::CancelTaskResponse* answer) {
        return connection_->tasks->CancelTask(context, request, answer);
      });
}

absl::StatusOr<v1::GetStatsResponse> Client::GetStats(const CallOptions& options) {
  return connection_->Call<v1::GetStatsResponse>(
      options, Repeat::kHarmless, [&](grpc::ClientContext* context, v1::GetStatsResponse* answer) {
        return connection_->admin->GetStats(context, {}, answer);
      });
}

std::unique_ptr<StatsWatch> Client::WatchStats(int64_t interval_ns) {
  v1::WatchStatsRequest request;
  request.set_interval_ns(interval_ns);
  auto call = std::make_unique<StatsWatch::Call>();
  call->reader = connection_->admin->WatchStats(&call->context, request);
  return std::unique_ptr<StatsWatch>(new StatsWatch(std::move(call)));
}

absl::StatusOr<v1::ListCoresResponse> Client::ListCores(const CallOptions& options) {
  return connection_->Call<v1::ListCoresResponse>(
      options, Repeat::kHarmless, [&](grpc::ClientContext* context, v1::ListCoresResponse* answer) {
        return connection_->admin->ListCores(context, {}, answer);
      });
}

absl::StatusOr<v1::SetBudgetResponse> Client::SetBudget(const v1::SetBudgetRequest& request,
                                                        const CallOptions& options) {
  return connection_->Call<v1::SetBudgetResponse>(
      options, Repeat::kHarmless, [&](grpc::ClientContext* context, v1::SetBudgetResponse* answer) {
        return connection_->admin->SetBudget(context, request, answer);
      });
}

absl::StatusOr<v1::PauseHandlerResponse> Client::PauseHandler(const std::string& handler,
                                                              const CallOptions& options) {
  v1::PauseHandlerRequest request;
  request.set_handler(handler);
  return connection_->Call<v1::PauseHandlerResponse>(
      options, Repeat::kMayDouble,
      [&](grpc::ClientContext* context, v1::PauseHandlerResponse* answer) {
        return connection_->admin->PauseHandler(context, request, answer);
      });
}

absl::StatusOr<v1::ResumeHandlerResponse> Client::ResumeHandler(const std::string& handler,
                                                                const CallOptions& options) {
  v1::ResumeHandlerRequest request;
  request.set_handler(handler);
  return connection_->Call<v1::ResumeHandlerResponse>(
      options, Repeat::kMayDouble,
      [&](grpc::ClientContext* context, v1::ResumeHandlerResponse* answer) {
        return connection_->admin->ResumeHandler(context, request, answer);
      });
}

absl::StatusOr<v1::ListHandlersResponse> Client::ListHandlers(const CallOptions& options) {
  return connection_->Call<v1::ListHandlersResponse>(
      options, Repeat::kHarmless,
      [&](grpc::ClientContext* context, v1::ListHandlersResponse* answer) {
        return connection_->admin->ListHandlers(context, {}, answer);
      });
}

absl::StatusOr<v1::ReloadConfigResponse> Client::ReloadConfig(const CallOptions& options) {
  return connection_->Call<v1::ReloadConfigResponse>(
      options, Repeat::kHarmless,
      [&](grpc::ClientContext* context, v1::ReloadConfigResponse* answer) {
        return connection_->admin->ReloadConfig(context, {}, answer);
      });
}

absl::StatusOr<v1::DrainServerResponse> Client::Drain(const CallOptions& options) {
  return connection_->Call<v1::DrainServerResponse>(
      options, Repeat::kMayDouble,
      [&](grpc::ClientContext* context, v1::DrainServerResponse* answer) {
        return connection_->admin->DrainServer(context, {}, answer);
      });
}

absl::StatusOr<bool> Client::IsServing(const CallOptions& options) {
  auto response = connection_->Call<HealthCheckResponse>(
      options, Repeat::kHarmless, [&](grpc::ClientContext* context, HealthCheckResponse* answer) {
        return connection_->health->Check(context, {}, answer);
      });
  if (!response.ok()) return response.status();
  return response->status() == HealthCheckResponse::SERVING;
}

absl::StatusOr<std::unique_ptr<TaskStream>> Client::OpenStream(const StreamOptions& options) {
  if (options.window == 0) {
    return absl::InvalidArgumentError("window is 0, must be at least 1");
  }
  auto call = std::make_unique<TaskStream::Call>(connection_->tasks.get(), options);
  return std::unique_ptr<TaskStream>(new TaskStream(std::move(call)));
}

absl::StatusOr<std::unique_ptr<TaskSubmitter>> Client::OpenSubmitter(
    const SubmitterOptions& options) {
  const auto refuse = [](const char* field, auto value, const char* range) {
    return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ", must be ", range));
  };
  if (options.window == 0 || options.window > 1'048'576) {
    return refuse("window", options.window, "from 1 to 1048576");
  }
  if (options.max_batch == 0 || options.max_batch > 1024) {
    return refuse("max_batch", options.max_batch, "from 1 to 1024");
  }
  if (options.max_delay_ns < 0 || options.max_delay_ns > 1'000'000'000) {
    return refuse("max_delay_ns", options.max_delay_ns, "from 0 to 1000000000");
  }
  auto engine = std::make_unique<TaskSubmitter::Engine>(connection_->tasks.get(), options,
                                                        connection_->options);
  return std::unique_ptr<TaskSubmitter>(new TaskSubmitter(std::move(engine)));
}

absl::Status RowStatus(const v1::SubmitTasksRow& row) {
  return row.has_status() ? FromRpcStatus(row.status()) : absl::OkStatus();
}

}  // namespace weft
