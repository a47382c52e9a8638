#pragma once

#include <grpcpp/completion_queue.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "weft/v1/task_service.grpc.pb.h"

// The calls of the bare server: what gRPC costs when the server does nothing. Server thread only.
namespace weft {

using BareService = v1::TaskService::WithAsyncMethod_RunTask<
    v1::TaskService::WithAsyncMethod_StreamTasks<v1::TaskService::Service>>;

// What a completion queue's tag points to. Owned by BareCalls.
class BareCall {
 public:
  BareCall() = default;
  BareCall(const BareCall&) = delete;
  BareCall& operator=(const BareCall&) = delete;
  virtual ~BareCall() = default;

  // Waits for the next call of a client.
  virtual void Post() = 0;
  // One event has come; `ok` as gRPC gives it.
  virtual void OnEvent(int event, bool ok) = 0;
};

struct BareTag {
  BareCall* call = nullptr;
  int event = 0;
};

// Every call slot of the server, all on one queue. Each slot serves one call at a time and reuses
// its messages for the next.
class BareCalls {
 public:
  BareCalls(BareService* service, grpc::ServerCompletionQueue* queue, size_t unary_slots,
            size_t stream_slots);

  // Before the first poll, once.
  void Post();

 private:
  std::vector<std::unique_ptr<BareCall>> calls_;
};

}  // namespace weft
