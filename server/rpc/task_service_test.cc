// The unary methods of TaskService as a client meets them: a real server, core and Door in this
// process, and stubs over loopback.
#include "rpc/task_service.h"

#include <malloc.h>

#include "rpc/rpc_fixture.h"
#include "rpc/task_calls.h"
#include "task/limits.h"

namespace weft {
namespace {

using TaskServiceTest = RpcFixture;

TEST_F(TaskServiceTest, RunsATaskAndAnswersItsResult) {
  StartServer();
  v1::TaskSpec spec = Spec("echo", std::string("a\0b", 3));
  spec.set_client_tag(77);
  for (int i = 0; i < 40; ++i) {  // More calls than are posted, so that calls are used again.
    v1::TaskResult result;
    const grpc::Status status = Run(spec, &result);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(result.state(), v1::TASK_STATE_SUCCEEDED);
    EXPECT_EQ(result.output(), std::string("a\0b", 3));
    EXPECT_EQ(result.client_tag(), 77u);
    EXPECT_NE(result.task_id(), 0u);
    EXPECT_GE(result.started_at_ns(), result.submitted_at_ns());
  }
  EXPECT_EQ(Stats().tasks().succeeded(), 40u);
}

TEST_F(TaskServiceTest, LeavesNothingOfAnEarlierAnswerInTheNext) {
  rpc_options_.max_calls_posted = 1;
  StartServer();
  v1::TaskResult result;
  ASSERT_TRUE(Run(Spec("echo", "something"), &result).ok());
  ASSERT_TRUE(Run(Spec("fail", "error it"), &result).ok());
  EXPECT_EQ(result.state(), v1::TASK_STATE_FAILED);
  EXPECT_EQ(result.error().message(), "it");
  ASSERT_TRUE(Run(Spec("noop"), &result).ok());
  EXPECT_EQ(result.state(), v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(result.output(), "");
  EXPECT_FALSE(result.has_error());
}

TEST_F(TaskServiceTest, RefusesBadSpecsWithTheFieldPath) {
  StartServer();
  EXPECT_EQ(FieldOf(Run(Spec(""))), "spec.handler");
  const grpc::Status unknown = Run(Spec("ecko"));
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(unknown), "spec.handler");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(unknown).reason(), "UNKNOWN_HANDLER");
  v1::TaskSpec spec = Spec("noop");
  spec.set_priority(static_cast<v1::Priority>(9));
  EXPECT_EQ(FieldOf(Run(spec)), "spec.priority");
  spec = Spec("noop");
  spec.set_timeout_ns(-1);
  EXPECT_EQ(FieldOf(Run(spec)), "spec.timeout_ns");
  spec.set_timeout_ns(kMaxTimeoutNs + 1);
  EXPECT_EQ(FieldOf(Run(spec)), "spec.timeout_ns");
  spec = Spec("noop");
  spec.set_core(200);
  EXPECT_EQ(FieldOf(Run(spec)), "spec.core");
  EXPECT_EQ(Stats().tasks().accepted(), 0u);
}

TEST_F(TaskServiceTest, RefusesAPayloadOverTheLimitWithItsField) {
  dispatch_options_.max_payload_bytes = rpc_options_.max_payload_bytes = 1'000;
  StartServer();
  EXPECT_TRUE(Run(Spec("echo", std::string(1'000, 'x'))).ok());
  const grpc::Status status = Run(Spec("echo", std::string(1'001, 'x')));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "spec.payload");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "PAYLOAD_TOO_LARGE");
}

TEST_F(TaskServiceTest, ExpiresATaskWhoseCallPassedItsDeadline) {
  StartServer();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(30));
  v1::RunTaskRequest request;
  *request.mutable_spec() = Spec("sleep", "60s");
  v1::RunTaskResponse response;
  const grpc::Status status = tasks_->RunTask(&context, request, &response);
  // The client's clock and the daemon's run towards the same moment; either may be the first.
  if (status.ok()) {
    EXPECT_EQ(response.result().state(), v1::TASK_STATE_EXPIRED);
  } else {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  const auto stats = AwaitStats([](const auto& s) { return s.tasks().in_flight() == 0; });
  EXPECT_EQ(stats.tasks().expired(), 1u);
  EXPECT_EQ(stats.tasks().cancelled(), 0u);
}

TEST_F(TaskServiceTest, CancelsTheTaskOfAClientThatIsGone) {
  StartServer();
  grpc::ClientContext context;
  std::thread client([&] {
    v1::RunTaskRequest request;
    *request.mutable_spec() = Spec("sleep", "60s");
    v1::RunTaskResponse response;
    EXPECT_EQ(tasks_->RunTask(&context, request, &response).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  AwaitStats([](const auto& s) { return s.cores(0).started() == 1; });
  context.TryCancel();
  client.join();
  const auto stats = AwaitStats([](const auto& s) { return s.tasks().in_flight() == 0; });
  EXPECT_EQ(stats.tasks().cancelled(), 1u);
}

TEST_F(TaskServiceTest, KeepsTheResultOfASubmittedTask) {
  StartServer();
  const uint64_t id = Submit(Spec("echo", "kept"));
  v1::TaskResult result;
  ASSERT_TRUE(Wait(id, std::nullopt, &result).ok());
  EXPECT_EQ(result.output(), "kept");
  grpc::ClientContext context;
  v1::GetTaskRequest request;
  request.set_task_id(id);
  v1::GetTaskResponse response;
  ASSERT_TRUE(tasks_->GetTask(&context, request, &response).ok());
  EXPECT_EQ(response.result().SerializeAsString(), result.SerializeAsString());
}

TEST_F(TaskServiceTest, AnswersEveryWaiterOfATask) {
  StartServer();
  const uint64_t id = Submit(Spec("sleep", "60s"));
  std::vector<std::thread> waiters;
  std::vector<v1::TaskResult> results(30);
  for (v1::TaskResult& result : results) {
    waiters.emplace_back([&] { EXPECT_TRUE(Wait(id, std::nullopt, &result).ok()); });
  }
  AwaitStats([](const auto& s) { return s.waiters() == 30 && s.cores(0).started() == 1; });
  v1::CancelTaskResponse cancelled;
  ASSERT_TRUE(Cancel(id, &cancelled).ok());
  EXPECT_EQ(cancelled.outcome(), v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  for (std::thread& waiter : waiters) waiter.join();
  for (const v1::TaskResult& result : results) {
    EXPECT_EQ(result.task_id(), id);
    EXPECT_EQ(result.state(), v1::TASK_STATE_CANCELLED);
  }
  ASSERT_TRUE(Cancel(id, &cancelled).ok());
  EXPECT_EQ(cancelled.outcome(), v1::CANCEL_OUTCOME_ALREADY_ENDED);
}

TEST_F(TaskServiceTest, NeverAnswersAWaitWithTheResultOfAnotherTask) {
  StartServer();
  for (int i = 0; i < 20; ++i) {
    const std::string payload = "task " + std::to_string(i);
    v1::TaskResult result;
    ASSERT_TRUE(Wait(Submit(Spec("echo", payload)), std::nullopt, &result).ok());
    EXPECT_EQ(result.output(), payload);
  }
}

TEST_F(TaskServiceTest, AnswersTheStateWhenAWaitElapses) {
  StartServer();
  const uint64_t id = Submit(Spec("sleep", "60s"));
  v1::TaskResult result;
  ASSERT_TRUE(Wait(id, 0, &result).ok());
  ASSERT_TRUE(Wait(id, 1'000'000, &result).ok());
  EXPECT_EQ(result.task_id(), id);
  EXPECT_LT(result.state(), v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(FieldOf(Wait(id, dispatch_options_.max_wait_ns + 1, &result)), "wait_ns");
}

TEST_F(TaskServiceTest, KnowsNoTaskOfAMadeUpId) {
  StartServer();
  v1::TaskResult result;
  EXPECT_EQ(Wait(12345, 0, &result).error_code(), grpc::StatusCode::NOT_FOUND);
  v1::CancelTaskResponse cancelled;
  const grpc::Status status = Cancel(0, &cancelled);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "TASK_NOT_FOUND");
}

TEST_F(TaskServiceTest, RefusesCallsBeyondTheBound) {
  rpc_options_.max_calls = 2;
  StartServer();
  std::vector<std::thread> clients;
  grpc::ClientContext contexts[2];
  for (grpc::ClientContext& context : contexts) {
    clients.emplace_back([this, &context] {
      v1::RunTaskRequest request;
      *request.mutable_spec() = Spec("sleep", "60s");
      v1::RunTaskResponse response;
      (void)tasks_->RunTask(&context, request, &response);
    });
  }
  AwaitStats([](const auto& s) { return s.tasks().in_flight() == 2; });
  const grpc::Status status = Run(Spec("noop"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf<google::rpc::QuotaFailure>(status).violations(0).subject(),
            "limits.max_calls");
  for (grpc::ClientContext& context : contexts) context.TryCancel();
  for (std::thread& client : clients) client.join();
}

TEST_F(TaskServiceTest, CountsWhatIsRefusedBeforeTheDispatcher) {
  StartServer();
  EXPECT_EQ(Run(Spec("")).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Stats().tasks().refused(), 1u);
  const auto& refused = dispatcher_->stats().refused;
  EXPECT_EQ(refused[static_cast<size_t>(RefusalReason::kInvalidField)].value(), 1u);
}

TEST_F(TaskServiceTest, KeepsNothingOfWhatItRefuses) {
  StartServer();
  const auto held_bytes = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  v1::TaskSpec spec = Spec("noop", std::string(8 << 20, 'x'));
  spec.set_priority(static_cast<v1::Priority>(77));
  v1::TaskSpec named = Spec(std::string(8 << 20, 'h'));
  ASSERT_FALSE(Run(spec).ok());
  const size_t before = held_bytes();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Run(spec).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(Run(named).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  // The message of one call may be on its way back to its pool.
  EXPECT_LT(held_bytes(), before + (24 << 20));
}

TEST_F(TaskServiceTest, CountsAnswersInTheBytesHeldUntilTheyAreHandedOver) {
  StartServer();
  const std::string payload(1 << 20, 'x');
  v1::TaskResult result;
  ASSERT_TRUE(Run(Spec("echo", payload), &result).ok());
  EXPECT_EQ(result.output(), payload);
  const uint64_t id = Submit(Spec("echo", payload));
  ASSERT_TRUE(Wait(id, std::nullopt, &result).ok());
  grpc::ClientContext context;
  v1::GetTaskRequest request;
  request.set_task_id(id);
  v1::GetTaskResponse response;
  ASSERT_TRUE(tasks_->GetTask(&context, request, &response).ok());
  EXPECT_EQ(response.result().output(), payload);
  AwaitStats([&](const auto&) { return dispatcher_->stats().in_flight_bytes.value() == 0; });
}

TEST(DeadlineSkew, CoversTheWayAndWhatGrpcRoundsUp) {
  EXPECT_GE(DeadlineSkewNs(30'000'000), 50'000'000);
  // 12.03 s travel as 12.1 s, 123.1 s as 124 s.
  EXPECT_GE(DeadlineSkewNs(12'100'000'000), 70'000'000 + 50'000'000);
  EXPECT_GE(DeadlineSkewNs(124'000'000'000), 900'000'000 + 50'000'000);
  // Whoever goes away long before its deadline is gone.
  EXPECT_LT(DeadlineSkewNs(30'000'000'000), 1'000'000'000);
}

TEST(TightenTimeout, TakesTheShorterOfBoth) {
  const gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
  const gpr_timespec in_an_hour = gpr_time_add(now, gpr_time_from_hours(1, GPR_TIMESPAN));
  TaskSpec spec;
  TightenTimeout(gpr_inf_future(GPR_CLOCK_MONOTONIC), &spec);
  EXPECT_EQ(spec.timeout_ns, 0);
  spec.timeout_ns = 5;
  TightenTimeout(in_an_hour, &spec);
  EXPECT_EQ(spec.timeout_ns, 5);
  spec.timeout_ns = 0;
  TightenTimeout(in_an_hour, &spec);
  EXPECT_GT(spec.timeout_ns, 0);
  EXPECT_LE(spec.timeout_ns, 3'600'000'000'000);
}

TEST(TightenTimeout, KeepsWhatTheDispatcherHasToRefuse) {
  TaskSpec spec;
  spec.timeout_ns = -4;
  TightenTimeout(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_hours(1, GPR_TIMESPAN)),
                 &spec);
  EXPECT_EQ(spec.timeout_ns, -4);
}

TEST(TightenTimeout, LeavesADeadlinePastTheLeastTimeoutThereIs) {
  TaskSpec spec;
  TightenTimeout(gpr_time_0(GPR_CLOCK_MONOTONIC), &spec);
  EXPECT_EQ(spec.timeout_ns, 1);
}

}  // namespace
}  // namespace weft
