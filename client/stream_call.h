#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <deque>
#include <memory>

#include "weft/stream.h"
#include "weft/v1/task_service.grpc.pb.h"

namespace weft {

// One StreamTasks call on a completion queue of its own, which its caller's thread polls. Owned by
// TaskStream. At most one write and one read are on their way at a time.
struct TaskStream::Call {
  Call(v1::TaskService::Stub* stub, const StreamOptions& options);
  ~Call();

  // Waits for one event of the call and takes note of it.
  void TakeEvent();
  // Starts what can be started: the gathered message, the next read.
  void Advance();
  // Out of the message that was received.
  void TakeAnswers();
  // Asks for the status of a call that has broken or ended.
  void AskStatus();
  [[nodiscard]] bool CanGather() const;

  const size_t window;
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::StreamTasksRequest, v1::StreamTasksResponse>>
      stream;
  v1::StreamTasksRequest gathered;
  size_t gathered_bytes = 0;
  v1::StreamTasksResponse received;
  std::deque<v1::StreamTasksRow> answers;
  size_t outstanding = 0;
  bool started = false;  // The call's first event has come.
  bool writing = false;
  bool reading = false;
  bool half_closing = false;  // The caller wants no more writes.
  bool half_closed = false;
  bool broken = false;  // No more writes or reads will succeed.
  bool asked_status = false;
  bool ended = false;  // `status` is what the daemon said.
  grpc::Status status;
};

}  // namespace weft
