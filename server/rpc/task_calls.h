#pragma once

#include <memory>
#include <optional>

#include "dispatch/payload.h"
#include "dispatch/receiver.h"
#include "dispatch/submit.h"
#include "grpcpp/support/byte_buffer.h"
#include "rpc/call_family.h"
#include "rpc/unary_call.h"

namespace weft {

// The unary calls of TaskService that are about one task. Door thread only.

// The request stays where it is until the task has let go of it: the call is the payload's block.
class RunTaskCall final : public UnaryCall<v1::RunTaskRequest, v1::RunTaskResponse>,
                          public PayloadBlock,
                          public ResultReceiver {
 public:
  explicit RunTaskCall(const CallFamily<RunTaskCall>& family)
      : UnaryCall(family.context.source), family_(family) {}

 private:
  void Ask(grpc::ServerContext& context, v1::RunTaskRequest& request,
           grpc::ServerAsyncResponseWriter<v1::RunTaskResponse>& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    family_.service.RequestRunTask(&context, &request, &responder, &queue, &queue, tag);
  }
  void OnRequest() override;
  void OnGone() override;
  bool OnReceived() override { return family_.Admit(true); }
  void OnOver() override;
  bool reusable() const override { return holders() == 0; }
  void OnReleased() override { MaybeOver(); }
  void OnResult(const TaskResult& result, bool ended) override;

  const CallFamily<RunTaskCall> family_;
  TaskId task_;                    // Whose result is awaited; 0: none.
  std::optional<HeldBytes> held_;  // The answer's output.
  int64_t skew_ns_ = 0;            // So much earlier the client's deadline may pass than ours.
};

// Answered at once, so the request moves to a block that stays with the task.
class SubmitTaskCall final : public UnaryCall<v1::SubmitTaskRequest, v1::SubmitTaskResponse> {
 public:
  explicit SubmitTaskCall(const CallFamily<SubmitTaskCall>& family)
      : UnaryCall(family.context.source), family_(family) {}

 private:
  void Ask(grpc::ServerContext& context, v1::SubmitTaskRequest& request,
           grpc::ServerAsyncResponseWriter<v1::SubmitTaskResponse>& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    family_.service.RequestSubmitTask(&context, &request, &responder, &queue, &queue, tag);
  }
  void OnRequest() override;
  bool OnReceived() override { return family_.Admit(true); }
  void OnOver() override { family_.pool.OnOver(*this); }

  const CallFamily<SubmitTaskCall> family_;
};

class WaitTaskCall final : public UnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>,
                           public ResultReceiver {
 public:
  explicit WaitTaskCall(const CallFamily<WaitTaskCall>& family)
      : UnaryCall(family.context.source), family_(family) {}

 private:
  void Ask(grpc::ServerContext& context, grpc::ByteBuffer& request,
           grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    family_.service.RequestWaitTask(&context, &request, &responder, &queue, &queue, tag);
  }
  void OnRequest() override;
  void OnGone() override;
  bool OnReceived() override { return family_.Admit(false); }
  void OnOver() override;
  void OnResult(const TaskResult& result, bool ended) override;

  const CallFamily<WaitTaskCall> family_;
  bool waiting_ = false;
  std::shared_ptr<HeldBytes> held_;  // The answer's.
};

class GetTaskCall final : public UnaryCall<v1::GetTaskRequest, v1::GetTaskResponse> {
 public:
  explicit GetTaskCall(const CallFamily<GetTaskCall>& family)
      : UnaryCall(family.context.source), family_(family) {}

 private:
  void Ask(grpc::ServerContext& context, v1::GetTaskRequest& request,
           grpc::ServerAsyncResponseWriter<v1::GetTaskResponse>& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    family_.service.RequestGetTask(&context, &request, &responder, &queue, &queue, tag);
  }
  void OnRequest() override;
  bool OnReceived() override { return family_.Admit(false); }
  void OnOver() override;

  const CallFamily<GetTaskCall> family_;
  std::optional<HeldBytes> held_;  // The answer's output.
};

class CancelTaskCall final : public UnaryCall<v1::CancelTaskRequest, v1::CancelTaskResponse>,
                             public CancelReceiver {
 public:
  explicit CancelTaskCall(const CallFamily<CancelTaskCall>& family)
      : UnaryCall(family.context.source), family_(family) {}

 private:
  void Ask(grpc::ServerContext& context, v1::CancelTaskRequest& request,
           grpc::ServerAsyncResponseWriter<v1::CancelTaskResponse>& responder,
           grpc::ServerCompletionQueue& queue, void* tag) override {
    family_.service.RequestCancelTask(&context, &request, &responder, &queue, &queue, tag);
  }
  void OnRequest() override;
  void OnGone() override;
  bool OnReceived() override { return family_.Admit(false); }
  void OnOver() override { family_.pool.OnOver(*this); }
  void OnCancelled(CancelOutcome outcome, TaskState state) override;

  const CallFamily<CancelTaskCall> family_;
  bool waiting_ = false;
};

// How much earlier the client's deadline may pass than ours, of a call that had left_ns when it
// came in. It travels as the time left: on the way it ages, and gRPC rounds it up, from 10 s on to
// tenths of a second and from 100 s on to seconds.
int64_t DeadlineSkewNs(int64_t left_ns);

// Overwrites every field of *message.
void WriteAccepted(const Accepted& accepted, v1::SubmitTaskResponse* message);

// Gives spec the time left until the call's deadline, when that is shorter than its own timeout.
void TightenTimeout(gpr_timespec deadline, TaskSpec* spec);

}  // namespace weft
