#pragma once

#include <cstddef>
#include <utility>

#include "rpc/rpc_context.h"
#include "rpc/task_grpc.h"
#include "rpc/unary_call.h"

namespace weft {

// What the unary calls of TaskService have in common. Door thread only.

// Bytes of an answer, counted in limits.max_in_flight_bytes for as long as this lives.
class HeldBytes {
 public:
  HeldBytes(ProdDispatcher& dispatcher, size_t bytes) : dispatcher_(dispatcher), bytes_(bytes) {
    dispatcher_.HoldAnswer(bytes_);
  }
  ~HeldBytes() { dispatcher_.LetGoOfAnswer(bytes_); }
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

 private:
  ProdDispatcher& dispatcher_;
  const size_t bytes_;
};

struct TaskCalls;

// What the calls of one method share.
template <class Call>
struct CallFamily {
  const RpcContext& context;
  TaskGrpc& service;
  TaskCalls& calls;
  CallPool<Call>& pool;

  // A call has come in. False when it is one too many.
  bool Admit(bool submits_task) const {
    if (pool.OnReceived()) return true;
    Refusal refusal = {.reason = RefusalReason::kCallsFull};
    (void)(submits_task ? context.dispatcher.RefuseTask(std::move(refusal))
                        : context.dispatcher.Refuse(std::move(refusal)));
    return false;
  }
};

}  // namespace weft
