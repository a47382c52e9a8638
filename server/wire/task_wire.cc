#include "wire/task_wire.h"

#include <string>

#include "wire/labels_wire.h"
#include "wire/spec_check.h"

namespace weft {
namespace {

// The enumerators of both sides are in the same order; protobuf's begin one later.
static_assert(v1::TASK_STATE_QUEUED == static_cast<int>(TaskState::kQueued) + 1);
static_assert(v1::TASK_STATE_EXPIRED == static_cast<int>(TaskState::kExpired) + 1);
static_assert(v1::TASK_ERROR_CODE_HANDLER_FAILED ==
              static_cast<int>(TaskErrorCode::kHandlerFailed));
static_assert(v1::TASK_ERROR_CODE_NOT_SUPPORTED == static_cast<int>(TaskErrorCode::kNotSupported));
static_assert(v1::CANCEL_OUTCOME_CANCELLED_QUEUED ==
              static_cast<int>(CancelOutcome::kCancelledQueued) + 1);
static_assert(v1::CANCEL_OUTCOME_ALREADY_ENDED ==
              static_cast<int>(CancelOutcome::kAlreadyEnded) + 1);

static_assert(v1::TASK_EVENT_KIND_ACCEPTED == static_cast<int>(TaskEventKind::kAccepted) + 1);
static_assert(v1::TASK_EVENT_KIND_ENDED == static_cast<int>(TaskEventKind::kEnded) + 1);

v1::TaskState StateToWire(TaskState state) {
  return static_cast<v1::TaskState>(static_cast<int>(state) + 1);
}

// The generated setters make a temporary string; assign keeps the capacity that is there.
void Assign(std::string_view from, std::string* to) { to->assign(from.data(), from.size()); }

}  // namespace

std::optional<Refusal> ReadTaskSpec(const v1::TaskSpec& message, std::string_view field_prefix,
                                    std::string* labels, TaskSpec* spec) {
  spec->handler = message.handler();
  spec->payload = message.payload();
  spec->timeout_ns = message.timeout_ns();
  spec->cpu = message.has_core() ? std::optional<uint32_t>(message.core()) : std::nullopt;
  spec->client_tag = message.client_tag();
  spec->affinity_key = message.affinity_key();
  spec->labels = {};
  const WirePriorities priorities = {message.priority(), message.io_priority()};
  if (!CompleteSpec(priorities, spec)) {
    return SpecRefusal(priorities, field_prefix, *spec);
  }
  if (message.labels().empty()) return std::nullopt;
  if (auto refusal = ReadLabels(message.labels(), std::string(field_prefix) + ".labels", labels)) {
    return refusal;
  }
  spec->labels = *labels;
  return std::nullopt;
}

void WriteTaskResult(const TaskResult& result, v1::TaskResult* message) {
  message->set_task_id(result.id.value());
  message->set_client_tag(result.client_tag);
  message->set_state(StateToWire(result.state));
  message->set_success(result.state == TaskState::kSucceeded);
  if (!result.output.empty() || !message->output().empty()) {
    Assign(result.output, message->mutable_output());
  }
  if (result.error_code != TaskErrorCode::kNone) {
    v1::TaskError* error = message->mutable_error();
    error->set_code(static_cast<v1::TaskErrorCode>(result.error_code));
    Assign(result.error_message, error->mutable_message());
  } else if (message->has_error()) {
    message->clear_error();
  }
  message->set_submitted_at_ns(result.submitted_at_ns);
  message->set_started_at_ns(result.started_at_ns);
  message->set_completed_at_ns(result.completed_at_ns);
  message->set_queue_latency_ns(result.queue_latency_ns);
  message->set_execution_latency_ns(result.execution_latency_ns);
  message->set_suspended_ns(result.suspended_ns);
  message->set_total_latency_ns(result.total_latency_ns);
  message->set_core(result.cpu);
  message->set_priority(static_cast<v1::Priority>(static_cast<int>(result.priority) + 1));
  message->set_attempts(result.attempts);
  if (result.off_core_ns != TaskResult::kNotTold) {
    message->set_off_core_ns(result.off_core_ns);
  } else if (message->has_off_core_ns()) {
    message->clear_off_core_ns();
  }
}

void WriteTaskSummary(const TaskSummary& task, v1::TaskSummary* message) {
  TaskResult result = task.result;
  result.output = {};
  WriteTaskResult(result, message->mutable_result());
  Assign(task.handler, message->mutable_handler());
  WriteLabels(task.labels, message->mutable_labels());
}

void WriteTaskEvent(TaskEventKind kind, const TaskSummary& task, v1::TaskEvent* message) {
  message->set_kind(static_cast<v1::TaskEventKind>(static_cast<int>(kind) + 1));
  WriteTaskSummary(task, message->mutable_task());
}

void WriteCancelled(CancelOutcome outcome, TaskState state, v1::CancelTaskResponse* message) {
  message->set_outcome(static_cast<v1::CancelOutcome>(static_cast<int>(outcome) + 1));
  message->set_state(StateToWire(state));
}

}  // namespace weft
