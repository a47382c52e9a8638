#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "dispatch/task_watcher.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "rpc/posted_stream.h"
#include "rpc/row_buffer.h"
#include "rpc/rpc_context.h"
#include "rpc/task_grpc.h"
#include "task/refusal.h"

namespace weft {

// What all WatchTasks calls share. Written by the Door's thread, once an event.
struct WatchCounts {
  size_t open = 0;
  uint64_t missed = 0;  // Events dropped, of all watchers.
};

// One WatchTasks call, used again and again. Events are encoded as they happen and gathered until
// the round is over and the write before is through. At watch_events_max events or watch_bytes_max
// bytes that wait (RpcOptions) further ones are dropped and counted until all that waits was taken
// for writing; the message after them tells how many, so that the client knows where they are
// missing. Never holds up a task or another watcher. Owned by TaskService. Door thread only.
class WatchCall final : public PostedStream<grpc::ServerAsyncWriter<grpc::ByteBuffer>>,
                        public TaskWatcher,
                        public RoundListener {
 public:
  WatchCall(const RpcContext& context, TaskGrpc& service, WatchCounts& counts);

  // Tells of no more events; the call ends with status once what waits is written.
  void EndWith(const grpc::Status& status);
  // Breaks the call if it has not ended by now.
  void Break();

  void OnEvent(TaskEventKind kind, const TaskSummary& task) override;
  void EndOfRound(bool before_sleep) override;

 private:
  using Stream = grpc::ServerAsyncWriter<grpc::ByteBuffer>;

  void Ask(grpc::ServerContext& context, Stream& stream, grpc::ServerCompletionQueue& queue,
           void* tag) override;
  void OnOpened() override;
  void OnOperation(bool ok) override;
  void OnDone() override;

  std::optional<Refusal> StartWatch();
  void WriteNext();
  bool is_full() const;

  const RpcContext& rpc_;
  TaskGrpc& service_;
  WatchCounts& counts_;
  grpc::ByteBuffer received_;
  v1::WatchTasksRequest request_;  // The filter's views point into it
  std::string labels_;             // and into this.
  v1::WatchTasksResponse one_;     // The event that is being encoded.
  RowBuffer waiting_;              // A row is an event; rows that follow each other are a message.
  uint64_t dropped_ = 0;           // Since the last event that waits, and not yet told.
  std::optional<grpc::Status> ending_;
};

}  // namespace weft
