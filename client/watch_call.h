#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <memory>
#include <optional>

#include "weft/v1/task_service.grpc.pb.h"
#include "weft/watch.h"

namespace weft {

// One WatchTasks call. Owned by TaskWatch.
struct TaskWatch::Call {
  Call(v1::TaskService::Stub* stub, const v1::TaskFilter& filter);
  ~Call();

  // The next message; the status once the call has ended.
  absl::StatusOr<v1::WatchTasksResponse> Read();

  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::WatchTasksResponse>> reader;
  std::optional<absl::Status> ended;
};

}  // namespace weft
