#pragma once

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "rpc/rpc_context.h"

namespace weft {

// weft.v1.TaskService on the one completion queue. Every method but StreamTasks is a pool of
// UnaryCalls (task_calls.cc); StreamTasks is stream_call.h. Owned by RpcServer. Door thread only.
class TaskService {
 public:
  explicit TaskService(const RpcContext& context);
  ~TaskService();

  // To be registered with the builder; before Start.
  grpc::Service& service();
  // Once the server runs: asks for the first calls.
  void Start();
  // Ends open streams once what they have in flight is answered; their clients are told
  // UNAVAILABLE.
  void EndStreams();

  // Calls being answered.
  size_t busy_calls() const;
  // StreamTasks calls open.
  size_t open_streams() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
