#include "rpc/task_calls.h"

#include <algorithm>
#include <string>

#include "grpc/support/time.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "rpc/task_call_pools.h"
#include "task/limits.h"
#include "wire/labels_wire.h"
#include "wire/task_wire.h"

namespace weft {
namespace {

// Nanoseconds until the deadline; kMaxTimeoutNs when it is further away, or there is none.
int64_t TimeLeftNs(gpr_timespec deadline) {
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return kMaxTimeoutNs;
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  if (left.tv_sec >= kMaxTimeoutNs / GPR_NS_PER_SEC) return kMaxTimeoutNs;
  return left.tv_sec * GPR_NS_PER_SEC + left.tv_nsec;
}

Refusal InvalidRequest() {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.message = "the request is not a weft.v1.WaitTaskRequest";
  return refusal;
}

}  // namespace

int64_t DeadlineSkewNs(int64_t left_ns) { return 50'000'000 + left_ns / 100; }

void TightenTimeout(gpr_timespec deadline, TaskSpec* spec) {
  const int64_t left_ns = std::max<int64_t>(TimeLeftNs(deadline), 1);  // 0 would mean none.
  if (left_ns >= kMaxTimeoutNs) return;
  // A negative timeout stays what it is, for the Dispatcher to refuse.
  if (spec->timeout_ns == 0 || spec->timeout_ns > left_ns) spec->timeout_ns = left_ns;
}

void WriteAccepted(const Accepted& accepted, v1::SubmitTaskResponse* message) {
  message->set_task_id(accepted.id.value());
  message->set_submitted_at_ns(accepted.submitted_at_ns);
  message->set_core(accepted.cpu);
}

void RunTaskCall::OnRequest() {
  TaskSpec spec;
  std::string labels;
  if (auto refusal = ReadTaskSpec(request_.spec(), "spec", &labels, &spec)) {
    return Refuse(family_.context.dispatcher.RefuseTask(*std::move(refusal)));
  }
  if (spec.timeout_ns <= kMaxTimeoutNs) TightenTimeout(context().raw_deadline(), &spec);
  skew_ns_ = DeadlineSkewNs(TimeLeftNs(context().raw_deadline()));
  Accepted accepted;
  const SubmitOptions submit = {.receiver = this, .retain = request_.retain_result()};
  const auto refusal = family_.context.dispatcher.Submit(spec, "spec", *this, submit, &accepted);
  if (refusal) return Refuse(*refusal);
  task_ = accepted.id;
}

void RunTaskCall::OnResult(const TaskResult& result, bool /*ended*/) {
  task_ = TaskId();
  held_.emplace(family_.context.dispatcher, result.output.size());
  WriteTaskResult(result, response_.mutable_result());
  Answer();
}

void RunTaskCall::OnGone() {
  if (task_ == TaskId()) return;
  family_.context.dispatcher.Leave(*this);
  // When it is the deadline that ended the call, the task's own timeout is about to end the task:
  // expired, not cancelled.
  if (TimeLeftNs(context().raw_deadline()) > skew_ns_) {
    (void)family_.context.dispatcher.Cancel(task_, CancelReason::kDisconnected, nullptr);
  }
  task_ = TaskId();
}

void RunTaskCall::OnOver() {
  held_.reset();
  family_.pool.OnOver(*this);
}

void SubmitTaskCall::OnRequest() {
  MessageBlock<v1::SubmitTaskRequest>& block = family_.calls.submitted.Take();
  block.message.Swap(&request_);
  TaskSpec spec;
  std::string labels;
  Accepted accepted;
  auto refusal = ReadTaskSpec(block.message.spec(), "spec", &labels, &spec);
  block.CountBytes(block.message.ByteSizeLong());
  if (refusal) {
    (void)family_.context.dispatcher.RefuseTask(*refusal);
  } else {
    const SubmitOptions submit = {.receiver = nullptr, .retain = true};
    refusal = family_.context.dispatcher.Submit(spec, "spec", block, submit, &accepted);
  }
  block.Release();
  if (refusal) return Refuse(*refusal);
  WriteAccepted(accepted, &response_);
  Answer();
}

void WaitTaskCall::OnRequest() {
  v1::WaitTaskRequest request;
  if (!grpc::SerializationTraits<v1::WaitTaskRequest>::Deserialize(&request_, &request).ok()) {
    return Refuse(family_.context.dispatcher.Refuse(InvalidRequest()));
  }
  std::optional<int64_t> wait_ns;
  if (request.has_wait_ns()) wait_ns = request.wait_ns();
  waiting_ = true;
  const auto refusal = family_.context.dispatcher.Wait(TaskId(request.task_id()), wait_ns, *this);
  if (!refusal) return;
  waiting_ = false;
  Refuse(*refusal);
}

void WaitTaskCall::OnResult(const TaskResult& result, bool /*ended*/) {
  waiting_ = false;
  SharedAnswer& shared = family_.calls.shared_answer;
  held_ = shared.id == result.id ? shared.held.lock() : nullptr;
  if (held_ == nullptr) {
    held_ = std::make_shared<HeldBytes>(family_.context.dispatcher, result.output.size());
  }
  if (shared.id != result.id) {
    v1::WaitTaskResponse response;
    WriteTaskResult(result, response.mutable_result());
    bool own_buffer = false;
    (void)grpc::SerializationTraits<v1::WaitTaskResponse>::Serialize(response, &response_,
                                                                     &own_buffer);
    if (!IsTerminal(result.state)) return Answer();
    shared.id = result.id;
    shared.bytes = response_;
  } else {
    response_ = shared.bytes;
  }
  shared.held = held_;
  Answer();
}

void WaitTaskCall::OnGone() {
  if (waiting_) family_.context.dispatcher.Leave(*this);
  waiting_ = false;
}

void WaitTaskCall::OnOver() {
  held_.reset();
  family_.pool.OnOver(*this);
}

void GetTaskCall::OnRequest() {
  TaskSummary task;
  const auto refusal = family_.context.dispatcher.Get(TaskId(request_.task_id()), &task);
  if (refusal) return Refuse(*refusal);
  held_.emplace(family_.context.dispatcher, task.result.output.size());
  WriteTaskResult(task.result, response_.mutable_result());
  response_.mutable_handler()->assign(task.handler.data(), task.handler.size());
  WriteLabels(task.labels, response_.mutable_labels());
  Answer();
}

void GetTaskCall::OnOver() {
  held_.reset();
  family_.pool.OnOver(*this);
}

void CancelTaskCall::OnRequest() {
  waiting_ = true;
  const auto refusal =
      family_.context.dispatcher.Cancel(TaskId(request_.task_id()), CancelReason::kClient, this);
  if (!refusal) return;
  waiting_ = false;
  Refuse(*refusal);
}

void CancelTaskCall::OnCancelled(CancelOutcome outcome, TaskState state) {
  waiting_ = false;
  WriteCancelled(outcome, state, &response_);
  Answer();
}

void CancelTaskCall::OnGone() {
  if (waiting_) family_.context.dispatcher.LeaveCancel(*this);
  waiting_ = false;
}

}  // namespace weft
