#include "rpc/watch_call.h"

#include <utility>
#include <vector>

#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/slice.h"
#include "rpc/calls_full.h"
#include "wire/filter_wire.h"
#include "wire/status_wire.h"
#include "wire/task_wire.h"

namespace weft {
namespace {

Refusal TooManyWatchers(size_t max_watchers) {
  return CallsFull(std::to_string(max_watchers) + " calls watch tasks already",
                   "limits.max_watchers", kLongCallRetryNs);
}

Refusal InvalidMessage() {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.message = "the request is not a weft.v1.WatchTasksRequest";
  return refusal;
}

grpc::ByteBuffer ToBuffer(const v1::WatchTasksResponse& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

}  // namespace

WatchCall::WatchCall(const RpcContext& context, TaskGrpc& service, WatchCounts& counts)
    : PostedStream(context.source), rpc_(context), service_(service), counts_(counts) {}

void WatchCall::Ask(grpc::ServerContext& context, Stream& stream,
                    grpc::ServerCompletionQueue& queue, void* tag) {
  ending_.reset();
  service_.RequestWatchTasks(&context, &received_, &stream, &queue, &queue, tag);
}

void WatchCall::OnOpened() {
  ++counts_.open;
  if (const auto refusal = StartWatch()) return Finish(ToGrpcStatus(*refusal));
  // Tells that the watch has begun.
  stream().Write(ToBuffer({}), Begin());
}

std::optional<Refusal> WatchCall::StartWatch() {
  ProdDispatcher& dispatcher = rpc_.dispatcher;
  if (counts_.open > rpc_.options.max_watchers) {
    return dispatcher.Refuse(TooManyWatchers(rpc_.options.max_watchers));
  }
  if (!grpc::SerializationTraits<v1::WatchTasksRequest>::Deserialize(&received_, &request_).ok()) {
    return dispatcher.Refuse(InvalidMessage());
  }
  TaskFilter filter;
  if (auto refusal = ReadTaskFilter(request_.filter(), "filter", &labels_, &filter)) {
    return dispatcher.Refuse(*std::move(refusal));
  }
  if (auto refusal = dispatcher.CheckFilter(filter)) return refusal;
  dispatcher.Watch(*this, filter);
  return std::nullopt;
}

bool WatchCall::is_full() const {
  // After a gap nothing is added to what waits, so that the next message can tell of the gap first.
  return waiting_.rows() >= rpc_.options.watch_events_max ||
         waiting_.bytes() >= rpc_.options.watch_bytes_max || (dropped_ > 0 && waiting_.rows() > 0);
}

void WatchCall::OnEvent(TaskEventKind kind, const TaskSummary& task) {
  if (is_full()) {
    ++dropped_;
    ++counts_.missed;
    return;
  }
  if (one_.events_size() == 0) one_.add_events();
  WriteTaskEvent(kind, task, one_.mutable_events(0));
  one_.set_missed(std::exchange(dropped_, 0));
  one_.SerializeWithCachedSizesToArray(waiting_.Add(one_.ByteSizeLong()));
  rpc_.source.AtEndOfRound(*this);
}

void WatchCall::EndOfRound(bool /*before_sleep*/) { WriteNext(); }

// Writes what waits; without events, what was missed; then ends, if it is to end.
void WatchCall::WriteNext() {
  if (!idle()) return;
  grpc::ByteBuffer message;
  if (waiting_.rows() > 0) {
    std::vector<grpc::Slice> slices;
    (void)waiting_.Take(rpc_.options.watch_message_bytes_max, &slices);
    message = grpc::ByteBuffer(slices.data(), slices.size());
  } else if (dropped_ > 0) {
    v1::WatchTasksResponse gap;
    gap.set_missed(std::exchange(dropped_, 0));
    message = ToBuffer(gap);
  } else {
    if (ending_) Finish(*ending_);
    return;
  }
  stream().Write(message, Begin());
}

void WatchCall::OnOperation(bool ok) {
  if (ok) WriteNext();
}

void WatchCall::EndWith(const grpc::Status& status) {
  if (!is_open() || ending_) return;
  rpc_.dispatcher.Unwatch(*this);
  ending_ = status;
  WriteNext();
}

void WatchCall::Break() {
  if (is_open()) Cancel();
}

void WatchCall::OnDone() {
  --counts_.open;
  rpc_.dispatcher.Unwatch(*this);
  (void)waiting_.Clear();
  dropped_ = 0;
  v1::WatchTasksRequest().Swap(&request_);
}

}  // namespace weft
