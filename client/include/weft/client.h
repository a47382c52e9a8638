#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/export.h"
#include "weft/stats_watch.h"
#include "weft/stream.h"
#include "weft/submitter.h"
#include "weft/v1/admin_service.pb.h"
#include "weft/v1/task.pb.h"
#include "weft/v1/task_service.pb.h"
#include "weft/watch.h"

namespace weft {

// How calls are tried again. A refusal by the daemon that came with RetryInfo is always safe to
// try again, because nothing of the task was kept; its delay is obeyed. A connection that breaks is
// tried again by itself only for calls that may be repeated (Wait, Get, ListTasks, GetStats,
// ListCores, SetBudget, ListHandlers, ReloadConfig, Health).
struct RetryOptions {
  // Tries of one call, the first included; 1 switches trying again off.
  int max_attempts = 4;
  // Wait before the second try when the daemon gave no delay; doubles with each try.
  int64_t initial_backoff_ns = 10'000'000;
  int64_t max_backoff_ns = 1'000'000'000;
  // Also try Run, Submit, SubmitTasks, Cancel, PauseHandler, ResumeHandler and Drain again when the
  // connection broke: the task may then run twice, and what a first try changed is told as
  // unchanged.
  bool retry_broken_calls = false;
};

struct ClientOptions {
  // "host:port" or "unix:/path".
  std::string target = "127.0.0.1:7411";
  // Deadline of every call that names none, all its tries together.
  int64_t timeout_ns = 30'000'000'000;
  // Largest message in either direction.
  int max_message_bytes = 256 * 1024 * 1024;
  RetryOptions retry;
};

// A call's own settings.
struct CallOptions {
  // Nanoseconds for the call with all its tries; 0 takes ClientOptions.timeout_ns.
  int64_t timeout_ns = 0;
};

// Speaks to one daemon over one connection, made at the first call and again when it breaks.
// Any thread. Calls block. An error carries the gRPC code and message, and what
// weft/status_details.h reads from it; a task that ended in failure is not an error but a result.
class WEFT_EXPORT Client {
 public:
  // INVALID_ARGUMENT when the target or a number is malformed. Does not connect yet.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options);

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Runs the task and answers with its result. The call's deadline also bounds the task;
  // DEADLINE_EXCEEDED means that it passed, and the daemon cancels the task.
  [[nodiscard]] absl::StatusOr<v1::TaskResult> Run(const v1::RunTaskRequest& request,
                                                   const CallOptions& options = {});

  // Answers as soon as the task is admitted.
  [[nodiscard]] absl::StatusOr<v1::SubmitTaskResponse> Submit(const v1::TaskSpec& spec,
                                                              const CallOptions& options = {});

  // Answers as soon as each of 1 to 1,024 tasks is admitted or refused, in their order. A row that
  // was refused is an answer: turn its status into an error with RowStatus.
  [[nodiscard]] absl::StatusOr<v1::SubmitTasksResponse> SubmitTasks(
      const v1::SubmitTasksRequest& request, const CallOptions& options = {});

  // Waits for the task's end, at most wait_ns (absent: as long as the daemon allows). When the wait
  // elapses it answers with the task as it stands, so look at the state. The call's deadline is
  // extended to wait_ns plus ClientOptions.timeout_ns when it is shorter; without wait_ns, a
  // CallOptions.timeout_ns stands as given, and is what ends a wait for a peer that fell silent.
  [[nodiscard]] absl::StatusOr<v1::TaskResult> Wait(uint64_t task_id,
                                                    std::optional<int64_t> wait_ns = {},
                                                    const CallOptions& options = {});

  // The task as it stands. NOT_FOUND when it never was or is forgotten.
  [[nodiscard]] absl::StatusOr<v1::TaskResult> Get(uint64_t task_id,
                                                   const CallOptions& options = {});

  // One page; weft/list.h walks them all.
  [[nodiscard]] absl::StatusOr<v1::ListTasksResponse> ListTasks(const v1::ListTasksRequest& request,
                                                                const CallOptions& options = {});

  // Begins to watch. Does not block; TaskWatch::Next tells when the watch has begun, or why it
  // cannot. The watch must be destroyed before the client.
  [[nodiscard]] std::unique_ptr<TaskWatch> WatchTasks(const v1::TaskFilter& filter);

  [[nodiscard]] absl::StatusOr<v1::CancelTaskResponse> Cancel(uint64_t task_id,
                                                              const CallOptions& options = {});

  [[nodiscard]] absl::StatusOr<v1::GetStatsResponse> GetStats(const CallOptions& options = {});

  // The statistics now and every interval_ns, 100 ms to 60 s; 0: every second. Errors come with the
  // first message. The watch must be destroyed before the client.
  [[nodiscard]] std::unique_ptr<StatsWatch> WatchStats(int64_t interval_ns = 0);

  [[nodiscard]] absl::StatusOr<v1::ListCoresResponse> ListCores(const CallOptions& options = {});

  // How much a core runs in one turn, from now on; without request.core every core.
  [[nodiscard]] absl::StatusOr<v1::SetBudgetResponse> SetBudget(const v1::SetBudgetRequest& request,
                                                                const CallOptions& options = {});

  // Refuses and holds the tasks of a handler until ResumeHandler. NOT_FOUND when there is none of
  // that name.
  [[nodiscard]] absl::StatusOr<v1::PauseHandlerResponse> PauseHandler(
      const std::string& handler, const CallOptions& options = {});
  [[nodiscard]] absl::StatusOr<v1::ResumeHandlerResponse> ResumeHandler(
      const std::string& handler, const CallOptions& options = {});

  [[nodiscard]] absl::StatusOr<v1::ListHandlersResponse> ListHandlers(
      const CallOptions& options = {});

  // Has the daemon read its configuration again, as SIGHUP does. INVALID_ARGUMENT holds a line for
  // each mistake, and nothing has changed.
  [[nodiscard]] absl::StatusOr<v1::ReloadConfigResponse> ReloadConfig(
      const CallOptions& options = {});

  // Ends the daemon as SIGTERM does.
  [[nodiscard]] absl::StatusOr<v1::DrainServerResponse> Drain(const CallOptions& options = {});

  // grpc.health.v1: whether the daemon takes work. An error means that it did not answer.
  [[nodiscard]] absl::StatusOr<bool> IsServing(const CallOptions& options = {});

  // Many tasks over one call. The stream must be destroyed before the client.
  [[nodiscard]] absl::StatusOr<std::unique_ptr<TaskStream>> OpenStream(
      const StreamOptions& options = {});

  // Single tasks of any thread, which travel in batches. INVALID_ARGUMENT names the option. The
  // submitter must be destroyed before the client.
  [[nodiscard]] absl::StatusOr<std::unique_ptr<TaskSubmitter>> OpenSubmitter(
      const SubmitterOptions& options = {});

 private:
  struct Connection;
  explicit Client(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

// OK for a row that was accepted, else why it was refused, with its details.
[[nodiscard]] WEFT_EXPORT absl::Status RowStatus(const v1::SubmitTasksRow& row);

}  // namespace weft
