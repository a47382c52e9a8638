#include "weft/watch.h"

#include <utility>

#include "client/status_convert.h"
#include "client/watch_call.h"

namespace weft {

TaskWatch::Call::Call(v1::TaskService::Stub* stub, const v1::TaskFilter& filter) {
  v1::WatchTasksRequest request;
  *request.mutable_filter() = filter;
  reader = stub->WatchTasks(&context, request);
}

TaskWatch::Call::~Call() {
  context.TryCancel();
  while (!ended) (void)Read();
}

absl::StatusOr<v1::WatchTasksResponse> TaskWatch::Call::Read() {
  if (ended) return *ended;
  v1::WatchTasksResponse response;
  if (reader->Read(&response)) return response;
  ended = FromGrpcStatus(reader->Finish());
  if (ended->ok()) ended = absl::InternalError("the daemon ended the watch without a reason");
  return *ended;
}

TaskWatch::TaskWatch(std::unique_ptr<Call> call) : call_(std::move(call)) {}

TaskWatch::~TaskWatch() = default;

absl::StatusOr<v1::WatchTasksResponse> TaskWatch::Next() { return call_->Read(); }

void TaskWatch::Stop() { call_->context.TryCancel(); }

}  // namespace weft
