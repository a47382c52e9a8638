// The daemon as an operator sees and steers it, over gRPC: statistics by handler and by interval,
// cores and budgets, pauses; each with what is refused.
#include "rpc/admin_service.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "rpc/rpc_fixture.h"

namespace weft {
namespace {

constexpr int64_t kShortIntervalNs = 100'000'000;

class AdminServiceTest : public RpcFixture {
 protected:
  // A WatchStats call.
  struct Watch {
    explicit Watch(v1::AdminService::Stub& stub, int64_t interval_ns = kShortIntervalNs) {
      v1::WatchStatsRequest request;
      request.set_interval_ns(interval_ns);
      reader = stub.WatchStats(&context, request);
    }
    v1::WatchStatsResponse Next() {
      v1::WatchStatsResponse response;
      EXPECT_TRUE(reader->Read(&response));
      return response;
    }
    // Reads what is left.
    grpc::Status End() {
      v1::WatchStatsResponse response;
      while (reader->Read(&response)) continue;
      return reader->Finish();
    }

    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::WatchStatsResponse>> reader;
  };

  v1::ListCoresResponse Cores() {
    grpc::ClientContext context;
    v1::ListCoresResponse response;
    EXPECT_TRUE(admin_->ListCores(&context, {}, &response).ok());
    return response;
  }
  grpc::Status SetBudget(const v1::SetBudgetRequest& request, v1::SetBudgetResponse* response) {
    grpc::ClientContext context;
    return admin_->SetBudget(&context, request, response);
  }
  grpc::Status Pause(const std::string& handler, bool* changed) {
    grpc::ClientContext context;
    v1::PauseHandlerRequest request;
    request.set_handler(handler);
    v1::PauseHandlerResponse response;
    grpc::Status status = admin_->PauseHandler(&context, request, &response);
    *changed = response.changed();
    return status;
  }
  grpc::Status Resume(const std::string& handler, bool* changed) {
    grpc::ClientContext context;
    v1::ResumeHandlerRequest request;
    request.set_handler(handler);
    v1::ResumeHandlerResponse response;
    grpc::Status status = admin_->ResumeHandler(&context, request, &response);
    *changed = response.changed();
    return status;
  }
  template <class Messages>
  static v1::HandlerStats Of(const Messages& handlers, const std::string& name) {
    for (const v1::HandlerStats& handler : handlers) {
      if (handler.name() == name) return handler;
    }
    ADD_FAILURE() << "there is no " << name;
    return {};
  }
  static std::string ReasonOf(const grpc::Status& status) {
    return DetailOf<google::rpc::ErrorInfo>(status).reason();
  }
};

TEST_F(AdminServiceTest, TellsWhatEachHandlerDidAndWhatWasRefused) {
  StartServer();
  ASSERT_TRUE(Run(Spec("noop")).ok());
  ASSERT_TRUE(Run(Spec("fail")).ok());
  EXPECT_FALSE(Run(Spec("nop")).ok());
  const v1::GetStatsResponse stats = Stats();
  ASSERT_EQ(stats.handlers_size(), static_cast<int>(registry_.rows().size()));
  EXPECT_TRUE(std::is_sorted(stats.handlers().begin(), stats.handlers().end(),
                             [](const auto& a, const auto& b) { return a.name() < b.name(); }));
  const v1::HandlerStats noop = Of(stats.handlers(), "noop");
  EXPECT_EQ(noop.tasks_executed(), 1u);
  EXPECT_EQ(noop.tasks_failed(), 0u);
  EXPECT_GT(noop.queue_p50_ns(), 0u);
  EXPECT_GE(noop.execution_p99_ns(), noop.execution_p50_ns());
  EXPECT_EQ(Of(stats.handlers(), "fail").tasks_failed(), 1u);
  EXPECT_EQ(Of(stats.handlers(), "echo").tasks_executed(), 0u);
  EXPECT_EQ(Of(stats.handlers(), "echo").queue_p99_ns(), 0u);
  ASSERT_EQ(stats.refusals_size(), 1);
  EXPECT_EQ(stats.refusals(0).reason(), "UNKNOWN_HANDLER");
  EXPECT_EQ(stats.refusals(0).count(), 1u);
}

TEST_F(AdminServiceTest, AWatchTellsAtOnceAndThenOfEachIntervalAlone) {
  StartServer();
  ASSERT_TRUE(Run(Spec("spin", "3ms")).ok());
  Watch watch(*admin_);
  const v1::WatchStatsResponse first = watch.Next();
  EXPECT_EQ(first.interval_ns(), 0);
  EXPECT_EQ(first.handlers_size(), 0);
  EXPECT_FALSE(first.has_all());
  EXPECT_EQ(Of(first.stats().handlers(), "spin").tasks_executed(), 1u);
  ASSERT_TRUE(Run(Spec("noop")).ok());
  ASSERT_TRUE(Run(Spec("fail")).ok());
  v1::WatchStatsResponse second = watch.Next();
  EXPECT_GE(second.interval_ns(), kShortIntervalNs);
  EXPECT_EQ(second.stats().tasks().accepted(), 3u);
  EXPECT_EQ(second.handlers_size(), static_cast<int>(registry_.rows().size()));
  EXPECT_EQ(Of(second.handlers(), "spin").tasks_executed(), 0u);
  EXPECT_EQ(Of(second.handlers(), "spin").execution_p99_ns(), 0u);
  EXPECT_EQ(Of(second.handlers(), "fail").tasks_failed(), 1u);
  EXPECT_EQ(second.all().tasks_executed(), 2u);
  EXPECT_EQ(second.all().tasks_failed(), 1u);
  EXPECT_LT(second.all().execution_p99_ns(), 3'000'000u) << "the spin before was told already";
  EXPECT_EQ(watch.Next().all().tasks_executed(), 0u);
}

TEST_F(AdminServiceTest, AWatchThatGoesAwayMakesRoomForAnother) {
  rpc_options_.max_watchers = 1;
  StartServer();
  auto first = std::make_unique<Watch>(*admin_);
  first->Next();
  const grpc::Status refused = Watch(*admin_).End();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(DetailOf<google::rpc::QuotaFailure>(refused).violations(0).subject(),
            "limits.max_watchers");
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(refused).reason(), "CALLS_FULL");
  first->context.TryCancel();
  EXPECT_EQ(first->End().error_code(), grpc::StatusCode::CANCELLED);
  // The daemon hears of it when it hears of it.
  for (v1::WatchStatsResponse response;;) {
    Watch next(*admin_);
    if (next.reader->Read(&response)) break;
    EXPECT_EQ(next.reader->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
}

TEST_F(AdminServiceTest, AnIntervalOutOfRangeIsRefusedByItsField) {
  StartServer();
  for (const int64_t interval_ns : {int64_t{-1}, int64_t{99'999'999}, int64_t{60'000'000'001}}) {
    const grpc::Status status = Watch(*admin_, interval_ns).End();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << interval_ns;
    EXPECT_EQ(FieldOf(status), "interval_ns");
  }
  EXPECT_EQ(Watch(*admin_, 0).Next().interval_ns(), 0) << "a second by default";
}

TEST_F(AdminServiceTest, AWatchEndsWithTheDaemonAndDoesNotKeepItUp) {
  StartServer();
  Watch watch(*admin_, 60'000'000'000);
  watch.Next();
  door_->RequestDrain();
  // Long before its next message.
  const grpc::Status end = watch.End();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(end), "DRAINING");
  StopServer();
}

TEST_F(AdminServiceTest, AWatchGoesOnWhileADrainHasTasksInFlight) {
  StartServer();
  const uint64_t id = Submit(Spec("sleep", "60s"));
  Watch watch(*admin_);
  door_->RequestDrain();
  while (!watch.Next().stats().draining()) continue;
  EXPECT_TRUE(watch.Next().stats().draining());
  v1::CancelTaskResponse response;
  ASSERT_TRUE(Cancel(id, &response).ok());
  EXPECT_EQ(watch.End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AdminServiceTest, ListsTheCores) {
  core_options_.idle = IdlePolicy::kAdaptive;
  core_options_.budget.polls = 9;
  core_options_.lock_memory = true;
  core_options_.package = 3;
  core_options_.numa_node = 2;
  StartServer();
  const uint64_t id = Submit(Spec("spin", "60s"));
  v1::ListCoresResponse cores = Cores();
  while (cores.cores(0).running_handler().empty()) cores = Cores();
  ASSERT_EQ(cores.cores_size(), 1);
  const v1::CoreInfo& core = cores.cores(0);
  EXPECT_EQ(core.running_handler(), "spin");
  EXPECT_GE(core.running_for_ns(), 0);
  EXPECT_EQ(core.numa_node(), 2u);
  EXPECT_EQ(core.package(), 3u);
  EXPECT_EQ(core.stats().numa_node(), 2u);
  EXPECT_EQ(core.stats().package(), 3u);
  EXPECT_EQ(core.idle(), "adaptive");
  EXPECT_FALSE(core.realtime());
  EXPECT_EQ(core.locked_bytes(), static_cast<uint64_t>(core_->stats().locked_bytes.value()));
  EXPECT_EQ(core.budget().polls(), 9u);
  EXPECT_EQ(core.stats().started(), 1u);
  EXPECT_GT(Cores().cores(0).running_for_ns(), core.running_for_ns());
  v1::CancelTaskResponse response;
  ASSERT_TRUE(Cancel(id, &response).ok());
  while (!Cores().cores(0).running_handler().empty()) continue;
}

TEST_F(AdminServiceTest, SetsABudgetOfTimeAndOfPolls) {
  StartServer();
  v1::SetBudgetRequest request;
  v1::SetBudgetResponse response;
  request.mutable_budget()->set_microseconds(250);
  ASSERT_TRUE(SetBudget(request, &response).ok());
  EXPECT_EQ(response.cores_size(), 1);
  EXPECT_EQ(Cores().cores(0).budget().microseconds(), 250u);
  request.mutable_budget()->set_polls(1);
  request.set_core(response.cores(0));
  ASSERT_TRUE(SetBudget(request, &response).ok());
  EXPECT_EQ(Cores().cores(0).budget().polls(), 1u);
  EXPECT_TRUE(Run(Spec("noop")).ok());
}

TEST_F(AdminServiceTest, RefusesABudgetThatIsNoneByItsField) {
  StartServer();
  const auto field_of = [this](const v1::SetBudgetRequest& request) {
    v1::SetBudgetResponse response;
    const grpc::Status status = SetBudget(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    return FieldOf(status);
  };
  v1::SetBudgetRequest request;
  EXPECT_EQ(field_of(request), "budget");
  request.mutable_budget()->set_polls(0);
  EXPECT_EQ(field_of(request), "budget.polls");
  request.mutable_budget()->set_microseconds(0);
  EXPECT_EQ(field_of(request), "budget.microseconds");
  request.mutable_budget()->set_microseconds(100'001);
  EXPECT_EQ(field_of(request), "budget.microseconds");
  request.mutable_budget()->set_microseconds(1);
  request.set_core(4'000);
  EXPECT_EQ(field_of(request), "core");
  EXPECT_EQ(Cores().cores(0).budget().polls(), 64u);
}

TEST_F(AdminServiceTest, PausesAndResumesAHandler) {
  StartServer();
  const uint64_t holder = Submit(Spec("spin", "60s"));
  const uint64_t queued = Submit(Spec("echo", "x"));
  bool changed = false;
  ASSERT_TRUE(Pause("echo", &changed).ok());
  EXPECT_TRUE(changed);
  ASSERT_TRUE(Pause("echo", &changed).ok());
  EXPECT_FALSE(changed);
  const grpc::Status refused = Run(Spec("echo"));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(refused), "HANDLER_PAUSED");
  EXPECT_NE(refused.error_message().find("\"echo\""), std::string::npos);
  EXPECT_GT(DetailOf<google::rpc::RetryInfo>(refused).retry_delay().seconds(), 0);
  v1::CancelTaskResponse cancelled;
  ASSERT_TRUE(Cancel(holder, &cancelled).ok());
  const v1::GetStatsResponse stats =
      AwaitStats([](const auto& now) { return now.cores(0).held() == 1; });
  EXPECT_TRUE(Of(stats.handlers(), "echo").paused());
  EXPECT_FALSE(Of(stats.handlers(), "noop").paused());
  EXPECT_TRUE(Run(Spec("noop")).ok());
  ASSERT_TRUE(Resume("echo", &changed).ok());
  EXPECT_TRUE(changed);
  v1::TaskResult result;
  ASSERT_TRUE(Wait(queued, std::nullopt, &result).ok());
  EXPECT_EQ(result.state(), v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(result.output(), "x");
  EXPECT_TRUE(Run(Spec("echo")).ok());
  ASSERT_TRUE(Resume("echo", &changed).ok());
  EXPECT_FALSE(changed);
}

TEST_F(AdminServiceTest, AnUnknownHandlerIsNotFoundAndTheNearestIsTold) {
  StartServer();
  bool changed = false;
  const grpc::Status pause = Pause("ecko", &changed);
  for (const grpc::Status& status : {pause, Resume("ecko", &changed)}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(ReasonOf(status), "HANDLER_NOT_FOUND");
    EXPECT_EQ(FieldOf(status), "handler");
    EXPECT_NE(status.error_message().find("did you mean \"echo\"?"), std::string::npos);
  }
}

}  // namespace
}  // namespace weft
