#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "rpc/rpc_context.h"

namespace weft {

// weft.v1.TaskService on the one completion queue. Every method but two is a pool of UnaryCalls
// (task_call_pools.h); StreamTasks is stream_call.h, WatchTasks watch_call.h. Owned by RpcServer.
// Door thread only.
class TaskService {
 public:
  explicit TaskService(const RpcContext& context);
  ~TaskService();

  // To be registered with the builder; before Start.
  grpc::Service& service();
  // Once the server runs: asks for the first calls.
  void Start();
  // Ends open streams once what they have in flight is answered, and watches once they have told
  // what waits; their clients are told UNAVAILABLE.
  void EndStreams();
  // Breaks the watches that have not ended, because their clients do not read.
  void BreakWatches();

  // Calls being answered.
  size_t busy_calls() const;
  // StreamTasks calls open.
  size_t open_streams() const;
  // WatchTasks calls open, and the events that they could not be told.
  size_t open_watches() const;
  uint64_t missed_events() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
