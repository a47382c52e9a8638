#include "rpc/task_service.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include "rpc/stream_call.h"
#include "rpc/task_call_pools.h"
#include "rpc/watch_call.h"
#include "task/refusal.h"
#include "wire/status_wire.h"

namespace weft {
namespace {

// Of the methods that are not called in masses.
constexpr size_t kRareCallsPosted = 32;
// Streams asked for at once; opening one is rare.
constexpr size_t kStreamsPosted = 8;
// Room for one more than is allowed, so that it can be told.
constexpr size_t kRefusedStreamsMax = 64;
constexpr size_t kRefusedWatchesMax = 4;

}  // namespace

struct TaskService::Parts final : public StreamOwner {
  explicit Parts(const RpcContext& rpc) : context(rpc) {
    for (size_t i = 0; i < context.options.max_watchers + kRefusedWatchesMax; ++i) {
      watches.emplace_back(context, service, watch_counts);
    }
  }

  bool OnStreamOpened() override {
    --streams_posted;
    ++streams_open;
    PostStreams();
    return streams_open <= context.options.max_streams;
  }
  void OnStreamOver(StreamCall& stream) override {
    --streams_open;
    idle_streams.push_back(&stream);
    PostStreams();
  }
  void PostStreams() {
    while (context.source.asking() && streams_posted < kStreamsPosted &&
           streams_open + streams_posted < context.options.max_streams + kRefusedStreamsMax) {
      if (idle_streams.empty()) {
        streams.emplace_back(context, service, rows, reader, blocks, *this);
        idle_streams.push_back(&streams.back());
      }
      StreamCall* const stream = idle_streams.back();
      idle_streams.pop_back();
      ++streams_posted;
      stream->Post();
    }
  }

  template <class Call>
  void StartPool(CallPool<Call>& pool, size_t posted) {
    pool.Start(context.source, posted, context.options.max_calls, [this, &pool] {
      return std::make_unique<Call>(CallFamily<Call>{context, service, calls, pool});
    });
  }

  const RpcContext& context;
  TaskGrpc service;
  BlockPool<std::string> blocks;
  RowReader reader;
  StreamRows rows;
  TaskCalls calls;
  std::deque<StreamCall> streams;
  std::vector<StreamCall*> idle_streams;
  WatchCounts watch_counts;
  std::deque<WatchCall> watches;
  size_t streams_posted = 0;
  size_t streams_open = 0;
};

TaskService::TaskService(const RpcContext& context) : parts_(std::make_unique<Parts>(context)) {}
TaskService::~TaskService() = default;

grpc::Service& TaskService::service() { return parts_->service; }

void TaskService::Start() {
  const size_t posted = parts_->context.options.max_calls_posted;
  const size_t rare = std::min(posted, kRareCallsPosted);
  parts_->StartPool(parts_->calls.run, posted);
  parts_->StartPool(parts_->calls.submit, posted);
  parts_->StartPool(parts_->calls.submit_batch, rare);
  parts_->StartPool(parts_->calls.wait, posted);
  parts_->StartPool(parts_->calls.get, rare);
  parts_->StartPool(parts_->calls.cancel, rare);
  parts_->StartPool(parts_->calls.list, rare);
  parts_->PostStreams();
  for (WatchCall& watch : parts_->watches) watch.Post();
}

void TaskService::EndStreams() {
  // The rows that were not read any more are refused by it.
  Refusal refusal;
  refusal.reason = RefusalReason::kDraining;
  refusal.message = "the daemon is shutting down and reads no more of this stream";
  const grpc::Status status = ToGrpcStatus(refusal);
  for (StreamCall& stream : parts_->streams) stream.EndWith(status);
  refusal.message = "the daemon is shutting down and tells of no more tasks";
  const grpc::Status watch_status = ToGrpcStatus(refusal);
  for (WatchCall& watch : parts_->watches) watch.EndWith(watch_status);
}

void TaskService::BreakWatches() {
  for (WatchCall& watch : parts_->watches) watch.Break();
}

size_t TaskService::open_watches() const { return parts_->watch_counts.open; }
uint64_t TaskService::missed_events() const { return parts_->watch_counts.missed; }
size_t TaskService::busy_calls() const { return parts_->calls.busy(); }
size_t TaskService::open_streams() const { return parts_->streams_open; }

}  // namespace weft
