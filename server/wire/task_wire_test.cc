// The conversions between protobuf messages and task/, both ways: every field arrives, and what
// cannot be said is refused with the path of the field. Messages are reused as rpc reuses them.
#include "wire/task_wire.h"

#include <gtest/gtest.h>

#include <string>

#include "task/labels.h"
#include "task/limits.h"

namespace weft {
namespace {

v1::TaskSpec ValidSpec() {
  v1::TaskSpec message;
  message.set_handler("echo");
  return message;
}

std::string label_bytes;  // Where the flat form of the last spec's labels is.

std::optional<Refusal> Read(const v1::TaskSpec& message, std::string_view prefix, TaskSpec* spec) {
  return ReadTaskSpec(message, prefix, &label_bytes, spec);
}

TEST(ReadTaskSpec, TakesEveryField) {
  v1::TaskSpec message = ValidSpec();
  message.set_payload(std::string("a\0b", 3));
  message.set_priority(v1::PRIORITY_LOW);
  message.set_io_priority(v1::PRIORITY_HIGH);
  message.set_timeout_ns(-7);  // The Dispatcher refuses it; the wire carries it.
  message.set_core(0);
  message.set_client_tag(UINT64_MAX);
  message.set_affinity_key("customer");
  (*message.mutable_labels())["zone"] = "a";
  (*message.mutable_labels())["app"] = "shop";
  TaskSpec spec;
  ASSERT_FALSE(Read(message, "spec", &spec));
  EXPECT_EQ(spec.handler, "echo");
  EXPECT_EQ(spec.payload, std::string_view("a\0b", 3));
  EXPECT_EQ(spec.payload.data(), message.payload().data()) << "the payload was copied";
  EXPECT_EQ(spec.priority, Priority::kLow);
  EXPECT_EQ(spec.io_priority, Priority::kHigh);
  EXPECT_EQ(spec.timeout_ns, -7);
  EXPECT_EQ(spec.cpu, std::optional<uint32_t>(0));
  EXPECT_EQ(spec.client_tag, UINT64_MAX);
  EXPECT_EQ(spec.affinity_key, "customer");
  std::string_view labels = spec.labels;
  EXPECT_EQ(TakeLabel(&labels).key, "app");
  EXPECT_EQ(TakeLabel(&labels).value, "a");
  EXPECT_TRUE(labels.empty());
}

TEST(ReadTaskSpec, OverwritesWhatTheSpecHeldBefore) {
  TaskSpec spec;
  spec.cpu = 3;
  spec.priority = Priority::kHigh;
  spec.io_priority = Priority::kLow;
  spec.timeout_ns = 5;
  spec.client_tag = 9;
  spec.affinity_key = "k";
  spec.labels = "l";
  ASSERT_FALSE(Read(ValidSpec(), "spec", &spec));
  EXPECT_EQ(spec.cpu, std::nullopt);
  EXPECT_EQ(spec.priority, Priority::kNormal);
  EXPECT_EQ(spec.io_priority, Priority::kNormal);
  EXPECT_EQ(spec.timeout_ns, 0);
  EXPECT_EQ(spec.client_tag, 0u);
  EXPECT_TRUE(spec.affinity_key.empty());
  EXPECT_TRUE(spec.labels.empty());
}

TEST(ReadTaskSpec, MapsEveryKnownPriority) {
  v1::TaskSpec message = ValidSpec();
  TaskSpec spec;
  const std::pair<v1::Priority, Priority> pairs[] = {{v1::PRIORITY_UNSPECIFIED, Priority::kNormal},
                                                     {v1::PRIORITY_HIGH, Priority::kHigh},
                                                     {v1::PRIORITY_NORMAL, Priority::kNormal},
                                                     {v1::PRIORITY_LOW, Priority::kLow}};
  for (const auto& [from, to] : pairs) {
    message.set_priority(from);
    ASSERT_FALSE(Read(message, "spec", &spec));
    EXPECT_EQ(spec.priority, to) << from;
  }
}

TEST(ReadTaskSpec, RefusesAnUnknownPriority) {
  v1::TaskSpec message = ValidSpec();
  message.set_priority(static_cast<v1::Priority>(17));
  TaskSpec spec;
  const auto refusal = Read(message, "specs[3]", &spec);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kInvalidField);
  EXPECT_EQ(refusal->field, "specs[3].priority");
  EXPECT_NE(refusal->message.find("17"), std::string::npos) << refusal->message;
}

TEST(ReadTaskSpec, RefusesANegativePriority) {
  v1::TaskSpec message = ValidSpec();
  message.set_priority(static_cast<v1::Priority>(-1));
  TaskSpec spec;
  EXPECT_TRUE(Read(message, "spec", &spec));
}

TEST(ReadTaskSpec, RefusesAnEmptyHandler) {
  TaskSpec spec;
  const auto refusal = Read(v1::TaskSpec(), "spec", &spec);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kInvalidField);
  EXPECT_EQ(refusal->field, "spec.handler");
}

TEST(ReadTaskSpec, RefusesAHandlerNameOverTheBoundOnly) {
  v1::TaskSpec message;
  TaskSpec spec;
  message.set_handler(std::string(kMaxHandlerNameBytes, 'x'));
  EXPECT_FALSE(Read(message, "spec", &spec));
  message.set_handler(std::string(kMaxHandlerNameBytes + 1, 'x'));
  const auto refusal = Read(message, "spec", &spec);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->field, "spec.handler");
}

TaskResult FullResult() {
  TaskResult result;
  result.id = TaskId::Make(2, 77);
  result.client_tag = 5;
  result.state = TaskState::kFailed;
  result.error_code = TaskErrorCode::kHandlerException;
  result.priority = Priority::kHigh;
  result.attempts = 1;
  result.cpu = 6;
  result.output = "partial";
  result.error_message = "it threw";
  result.submitted_at_ns = 100;
  result.started_at_ns = 110;
  result.completed_at_ns = 150;
  result.queue_latency_ns = 10;
  result.execution_latency_ns = 40;
  result.suspended_ns = 20;
  result.total_latency_ns = 50;
  result.off_core_ns = 0;
  return result;
}

TEST(WriteTaskResult, TellsEveryField) {
  v1::TaskResult message;
  WriteTaskResult(FullResult(), &message);
  EXPECT_EQ(message.task_id(), TaskId::Make(2, 77).value());
  EXPECT_EQ(message.client_tag(), 5u);
  EXPECT_EQ(message.state(), v1::TASK_STATE_FAILED);
  EXPECT_FALSE(message.success());
  EXPECT_EQ(message.output(), "partial");
  EXPECT_EQ(message.error().code(), v1::TASK_ERROR_CODE_HANDLER_EXCEPTION);
  EXPECT_EQ(message.error().message(), "it threw");
  EXPECT_EQ(message.submitted_at_ns(), 100);
  EXPECT_EQ(message.started_at_ns(), 110);
  EXPECT_EQ(message.completed_at_ns(), 150);
  EXPECT_EQ(message.queue_latency_ns(), 10);
  EXPECT_EQ(message.execution_latency_ns(), 40);
  EXPECT_EQ(message.suspended_ns(), 20);
  EXPECT_EQ(message.total_latency_ns(), 50);
  EXPECT_EQ(message.core(), 6u);
  EXPECT_EQ(message.priority(), v1::PRIORITY_HIGH);
  EXPECT_EQ(message.attempts(), 1u);
  EXPECT_TRUE(message.has_off_core_ns()) << "although it is 0";
  EXPECT_EQ(message.off_core_ns(), 0);
}

TEST(WriteTaskResult, TellsNothingOfTheCpuUnlessThereIsSomethingToTell) {
  v1::TaskResult message;
  WriteTaskResult(TaskResult(), &message);
  EXPECT_FALSE(message.has_off_core_ns());
}

TEST(WriteTaskResult, LeavesNothingOfTheMessageThatIsReused) {
  v1::TaskResult reused;
  WriteTaskResult(FullResult(), &reused);
  TaskResult plain;
  plain.id = TaskId(1);
  plain.state = TaskState::kSucceeded;
  WriteTaskResult(plain, &reused);
  v1::TaskResult fresh;
  WriteTaskResult(plain, &fresh);
  EXPECT_EQ(reused.SerializeAsString(), fresh.SerializeAsString());
  EXPECT_TRUE(reused.success());
  EXPECT_FALSE(reused.has_error());
}

TEST(WriteTaskResult, KeepsTheMemoryOfTheOutput) {
  v1::TaskResult message;
  TaskResult result;
  const std::string large(4096, 'x');
  result.output = large;
  WriteTaskResult(result, &message);
  const char* const memory = message.output().data();
  const std::string smaller(1000, 'y');
  result.output = smaller;
  WriteTaskResult(result, &message);
  EXPECT_EQ(message.output(), smaller);
  EXPECT_EQ(message.output().data(), memory);
}

TEST(WriteTaskResult, MapsEveryStateAndErrorCodeByName) {
  v1::TaskResult message;
  TaskResult result;
  for (size_t i = 0; i < kTaskStateCount; ++i) {
    result.state = static_cast<TaskState>(i);
    WriteTaskResult(result, &message);
    std::string name = "TASK_STATE_";
    for (const char c : TaskStateName(result.state)) name += static_cast<char>(std::toupper(c));
    EXPECT_EQ(v1::TaskState_Name(message.state()), name);
  }
  result.error_code = TaskErrorCode::kDeadlineExceeded;
  WriteTaskResult(result, &message);
  EXPECT_EQ(message.error().code(), v1::TASK_ERROR_CODE_DEADLINE_EXCEEDED);
  result.error_code = TaskErrorCode::kClientDisconnected;
  WriteTaskResult(result, &message);
  EXPECT_EQ(message.error().code(), v1::TASK_ERROR_CODE_CLIENT_DISCONNECTED);
}

TEST(WriteCancelled, TellsOutcomeAndState) {
  v1::CancelTaskResponse message;
  WriteCancelled(CancelOutcome::kRequestedRunning, TaskState::kSuspended, &message);
  EXPECT_EQ(message.outcome(), v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  EXPECT_EQ(message.state(), v1::TASK_STATE_SUSPENDED);
}

TEST(WriteTaskSummary, TellsAllButTheOutputAndOverwritesWhatWasThere) {
  std::string labels;
  AppendLabel({"app", "shop"}, &labels);
  TaskSummary task;
  task.result.id = TaskId(7);
  task.result.state = TaskState::kFailed;
  task.result.error_code = TaskErrorCode::kHandlerFailed;
  task.result.error_message = "why";
  task.result.output = "secret";
  task.handler = "echo";
  task.labels = labels;
  v1::TaskSummary message;
  message.mutable_result()->set_output("old");
  (*message.mutable_labels())["old"] = "label";
  WriteTaskSummary(task, &message);
  EXPECT_EQ(message.result().task_id(), 7u);
  EXPECT_EQ(message.result().error().message(), "why");
  EXPECT_EQ(message.result().output(), "");
  EXPECT_EQ(message.handler(), "echo");
  ASSERT_EQ(message.labels_size(), 1);
  EXPECT_EQ(message.labels().at("app"), "shop");
  v1::TaskEvent event;
  WriteTaskEvent(TaskEventKind::kEnded, task, &event);
  EXPECT_EQ(event.kind(), v1::TASK_EVENT_KIND_ENDED);
  EXPECT_EQ(event.task().SerializeAsString(), message.SerializeAsString());
}

}  // namespace
}  // namespace weft
