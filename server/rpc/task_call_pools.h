#pragma once

#include <memory>

#include "grpcpp/support/byte_buffer.h"
#include "rpc/batch_call.h"
#include "rpc/list_call.h"
#include "rpc/message_block.h"
#include "rpc/page_token.h"
#include "rpc/task_calls.h"
#include "rpc/unary_call.h"
#include "task/task_id.h"

namespace weft {

// The result that was serialised last, because many may wait for one task. Results of ended tasks
// never change, so the id alone tells whether it is the same.
struct SharedAnswer {
  TaskId id;
  grpc::ByteBuffer bytes;
  std::weak_ptr<HeldBytes> held;  // By every call whose client has not read it.
};

// What outlives the single call.
struct TaskCalls {
  CallPool<RunTaskCall> run;
  CallPool<SubmitTaskCall> submit;
  CallPool<SubmitTasksCall> submit_batch;
  CallPool<WaitTaskCall> wait;
  CallPool<GetTaskCall> get;
  CallPool<CancelTaskCall> cancel;
  CallPool<ListTasksCall> list;
  BlockPool<v1::SubmitTaskRequest> submitted;
  BlockPool<v1::SubmitTasksRequest> submitted_batches;
  SharedAnswer shared_answer;
  PageTokens page_tokens;

  size_t busy() const {
    return run.busy() + submit.busy() + submit_batch.busy() + wait.busy() + get.busy() +
           cancel.busy() + list.busy();
  }
};

}  // namespace weft
