// Handlers of one's own as weftd runs them: they spawn, join, time out and are stopped as tasks of
// an embedded executor do, and the client sees what came of it.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/spawn_family.h"
#include "async/timing.h"
#include "handlers/handler.h"
#include "rpc/rpc_fixture.h"

namespace weft {
namespace {

template <class Code>
class OwnHandler final : public Handler {
 public:
  OwnHandler(std::string name, Code code) : name_(std::move(name)), code_(std::move(code)) {}

  std::string_view name() const override { return name_; }
  std::string_view help() const override { return "of a test"; }
  bool never_suspends() const override { return false; }
  TaskOutcome Run(TaskContext& context) override { return code_(context); }

 private:
  const std::string name_;
  Code code_;
};

class OwnHandlerTest : public RpcFixture {
 protected:
  void ExpectRuns(const v1::TaskSpec& spec, v1::TaskResult* result) {
    const grpc::Status status = Run(spec, result);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  template <class Code>
  void Register(std::string name, Code code) {
    auto handler = std::make_unique<OwnHandler<Code>>(std::move(name), std::move(code));
    ASSERT_TRUE(registry_.Register(std::move(handler)).ok());
  }
};

TaskOutcome AddSlowly(TaskContext& context) {
  auto slow = Spawn(context.host(), [](TaskContext& inner) {
    return inner.SleepFor(1'000'000) == WakeReason::kElapsed ? 40 : 0;
  });
  auto quick = Spawn(context.host(), [] { return 2; });
  if (!slow.ok() || !quick.ok()) return context.Fail("all task slots are taken");
  const auto forty = slow->Join(context), two = quick->Join(context);
  if (!forty.ok() || !two.ok()) return context.Stop();
  context.output() = std::to_string(*forty + *two);
  return TaskOutcome::kSucceeded;
}

TEST_F(OwnHandlerTest, SpawnsAndJoinsTasksOfItsOwn) {
  Register("add_slowly", &AddSlowly);
  StartServer();
  for (int i = 0; i < 200; ++i) {  // More than there are slots for spawned tasks.
    v1::TaskResult result;
    ExpectRuns(Spec("add_slowly"), &result);
    EXPECT_EQ(result.output(), "42") << result.DebugString();
    EXPECT_GE(result.suspended_ns(), 1'000'000);
  }
}

TEST_F(OwnHandlerTest, IsRefusedMoreTasksThanItsCoreHasSlotsAndGoesOn) {
  Register("spawn_many", [](TaskContext& context) {
    int spawned = 0;
    absl::Status refusal;
    std::vector<JoinHandle<void>> handles;
    while (refusal.ok() && spawned < 1'000) {
      auto handle = Spawn(context.host(), [](TaskContext& inner) { inner.SleepFor(kNoEnd); });
      refusal = handle.status();
      if (!handle.ok()) break;
      handles.push_back(*std::move(handle));
      ++spawned;
    }
    for (JoinHandle<void>& handle : handles) handle.Abort();
    for (JoinHandle<void>& handle : handles) (void)handle.Await(context);
    context.output() = std::to_string(spawned) + " " + std::string(refusal.message());
    return TaskOutcome::kSucceeded;
  });
  StartServer();
  for (int i = 0; i < 3; ++i) {
    v1::TaskResult result;
    ExpectRuns(Spec("spawn_many"), &result);
    EXPECT_EQ(result.output(), "64 all task slots of the executor are taken");
  }
}

TEST_F(OwnHandlerTest, TimesOutWhatItWaitsForAndIsCancelledWhileItDoes) {
  Register("impatient", [](TaskContext& context) {
    const absl::Status timed_out = Timeout(context, 1'000'000, [](TaskContext& inner) {
      return inner.SleepFor(3'600'000'000'000) == WakeReason::kElapsed
                 ? absl::OkStatus()
                 : absl::CancelledError("cut short");
    });
    if (context.ShouldStop()) return context.Stop();
    context.output() = timed_out.ToString();
    return TaskOutcome::kSucceeded;
  });
  Register("patient", [](TaskContext& context) {
    auto never = Spawn(context.host(), [](TaskContext& inner) { inner.SleepFor(kNoEnd); });
    if (!never.ok()) return context.Fail(std::string(never.status().message()));
    const auto joined = never->Join(context);
    never->Abort();
    return joined.ok() ? context.Fail("it ended") : context.Stop();
  });
  StartServer();
  v1::TaskResult result;
  ExpectRuns(Spec("impatient"), &result);
  EXPECT_EQ(result.output().substr(0, 17), "DEADLINE_EXCEEDED") << result.output();
  v1::TaskSpec late = Spec("patient");
  late.set_timeout_ns(2'000'000);
  ExpectRuns(late, &result);
  EXPECT_EQ(result.state(), v1::TASK_STATE_EXPIRED) << result.DebugString();
}

}  // namespace
}  // namespace weft
