// Proves what an operator can change while tasks are under way, with a Door and cores turned by
// hand: pauses lose nothing and are told, budgets reach the cores they name, and what is wrong is
// refused by field.
#include "dispatch/steering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SteeringTest : public DispatcherFixture {
 protected:
  SteeringTest() { nearest_ = "echo"; }

  void BuildAll(size_t core_count = 1) {
    Build(core_count);
    steering_.emplace(*dispatcher_, *this, std::vector<std::string>{"echo", "fail", "sleep"});
  }
  std::string_view Nearest(std::string_view) const override { return nearest_; }

  bool Pause(std::string_view handler) {
    bool changed = false;
    EXPECT_FALSE(steering_->Pause(handler, &changed));
    return changed;
  }
  bool Resume(std::string_view handler) {
    bool changed = false;
    EXPECT_FALSE(steering_->Resume(handler, &changed));
    return changed;
  }
  void TurnThrice() {
    for (int turn = 0; turn < 3; ++turn) TurnAll();
  }

  std::optional<Steering<ManualEnv>> steering_;
  std::string nearest_;
};

TEST_F(SteeringTest, APauseHoldsWhatIsQueuedRefusesWhatComesAndLosesNothing) {
  BuildAll(/*core_count=*/2);
  std::vector<TaskId> held;
  for (int i = 0; i < 4; ++i) held.push_back(MustSubmit({.handler = "echo"}, {.retain = true}));
  EXPECT_TRUE(Pause("echo"));
  EXPECT_FALSE(Pause("echo")) << "it was paused before";
  TurnThrice();
  for (const TaskId id : held) EXPECT_EQ(StateOf(id), TaskState::kQueued);
  EXPECT_EQ(dispatcher_->Snapshot().cores[0].held + dispatcher_->Snapshot().cores[1].held, 4U);
  const auto refusal = Submit({.handler = "echo"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kHandlerPaused);
  EXPECT_THAT(refusal->message, HasSubstr("\"echo\" is paused"));
  EXPECT_GT(refusal->retry_after_ns, 0);
  const TaskId other = MustSubmit({.handler = "fail"}, {.retain = true});
  TurnThrice();
  EXPECT_EQ(StateOf(other), TaskState::kFailed);
  ExpectPromisesKept();
  EXPECT_TRUE(Resume("echo"));
  EXPECT_FALSE(Resume("echo")) << "it is not paused any more";
  TurnThrice();
  for (const TaskId id : held) EXPECT_EQ(StateOf(id), TaskState::kSucceeded);
  MustSubmit({.handler = "echo"});
  TurnThrice();
  ExpectPromisesKept();
  const StatsSnapshot stats = dispatcher_->Snapshot();
  EXPECT_EQ(stats.in_flight, 0U);
  EXPECT_EQ(stats.refused, 1U);
  EXPECT_EQ(stats.refused_by_reason[static_cast<size_t>(RefusalReason::kHandlerPaused)], 1U);
}

TEST_F(SteeringTest, AWrongRequestOfAPausedHandlerIsToldWhatIsWrong) {
  BuildAll();
  Pause("echo");
  const auto refusal = Submit({.handler = "echo", .timeout_ns = -1});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kInvalidField);
}

TEST_F(SteeringTest, HeldTasksFillTheirQueueAndCountAsQueued) {
  BuildAll();
  for (uint32_t i = 0; i < options_.max_queue_depth; ++i) MustSubmit({.handler = "echo"});
  Pause("echo");
  TurnThrice();
  const auto refusal = Submit({.handler = "fail"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kQueueFull);
  const CoreSnapshot core = dispatcher_->Snapshot().cores[0];
  EXPECT_EQ(core.held, options_.max_queue_depth);
  EXPECT_EQ(core.queued[static_cast<size_t>(Priority::kNormal)], options_.max_queue_depth);
  Resume("echo");
  TurnThrice();
  ExpectPromisesKept();
}

TEST_F(SteeringTest, CancelTimeoutAndTheDrainsLimitEndHeldTasks) {
  BuildAll();
  Pause("echo");
  Resume("echo");
  const TaskId cancelled = MustSubmit({.handler = "echo"}, {.retain = true});
  const TaskId expired = MustSubmit({.handler = "echo", .timeout_ns = 1'000}, {.retain = true});
  const TaskId left = MustSubmit({.handler = "echo"}, {.retain = true});
  Pause("echo");
  TurnThrice();
  TestCancelReceiver receiver;
  EXPECT_FALSE(dispatcher_->Cancel(cancelled, CancelReason::kClient, &receiver));
  TurnThrice();
  EXPECT_EQ(receiver.outcome, CancelOutcome::kCancelledQueued);
  EXPECT_EQ(StateOf(cancelled), TaskState::kCancelled);
  now_ += 10'000'000;
  TurnThrice();
  EXPECT_EQ(StateOf(expired), TaskState::kExpired);
  EXPECT_EQ(StateOf(left), TaskState::kQueued);
  dispatcher_->BeginDrain();
  TurnThrice();
  EXPECT_EQ(StateOf(left), TaskState::kQueued);
  dispatcher_->CancelAll(CancelReason::kShutdown);
  TurnThrice();
  EXPECT_EQ(StateOf(left), TaskState::kCancelled);
  ExpectPromisesKept();
}

TEST_F(SteeringTest, AnUnknownHandlerIsRefusedWithTheNearestName) {
  BuildAll();
  bool changed = false;
  const auto refusal = steering_->Pause("ehco", &changed);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kHandlerNotFound);
  EXPECT_EQ(refusal->field, "handler");
  EXPECT_EQ(refusal->message, "handler: there is no handler \"ehco\"; did you mean \"echo\"?");
  nearest_.clear();
  EXPECT_THAT(steering_->Resume("x", &changed)->message, HasSubstr("ListHandlers tells"));
  EXPECT_EQ(dispatcher_->Snapshot().refused, 0U) << "only submissions count there";
}

TEST_F(SteeringTest, ABudgetGoesToEveryCoreOrToTheOneThatIsNamed) {
  BuildAll(/*core_count=*/2);
  std::vector<uint32_t> cpus;
  EXPECT_FALSE(steering_->SetBudget(std::nullopt, {.polls = 7}, &cpus));
  EXPECT_THAT(cpus, ElementsAre(10, 11));
  cpus.clear();
  EXPECT_FALSE(steering_->SetBudget(11, {.microseconds = 100'000}, &cpus));
  EXPECT_THAT(cpus, ElementsAre(11));
  const std::vector<CoreActivity> cores = steering_->Cores();
  EXPECT_EQ(cores[0].budget, TurnBudget{.polls = 7});
  EXPECT_EQ(cores[1].budget.microseconds, 100'000U);
}

TEST_F(SteeringTest, ABudgetOutOfRangeOrOfAnUnknownCoreIsRefusedByItsField) {
  BuildAll();
  const auto field = [this](std::optional<uint32_t> cpu, const TurnBudget& budget) {
    std::vector<uint32_t> cpus;
    const auto refusal = steering_->SetBudget(cpu, budget, &cpus);
    EXPECT_TRUE(cpus.empty());
    EXPECT_EQ(refusal ? refusal->reason : RefusalReason::kDraining, RefusalReason::kInvalidField);
    return refusal ? refusal->field : "";
  };
  EXPECT_EQ(field({}, {.polls = 0}), "budget.polls");
  EXPECT_EQ(field({}, {.polls = 65'537}), "budget.polls");
  EXPECT_EQ(field({}, {.microseconds = 100'001}), "budget.microseconds");
  EXPECT_EQ(field(9, {.polls = 1}), "core");
  EXPECT_EQ(steering_->Cores()[0].budget, TurnBudget{}) << "nothing was changed";
}

TEST_F(SteeringTest, TellsWhatEachHandlerDid) {
  BuildAll();
  MustSubmit({.handler = "fail"});
  MustSubmit({.handler = "echo"});
  TurnThrice();
  const std::vector<HandlerTotals> handlers = steering_->Handlers();
  ASSERT_EQ(handlers.size(), 3U);
  EXPECT_EQ(handlers[0].executed, 1U);
  EXPECT_EQ(handlers[0].failed, 0U);
  EXPECT_EQ(handlers[1].failed, 1U);
  EXPECT_EQ(handlers[2].executed, 0U);
}

TEST_F(SteeringTest, NamesTheHandlerThatHasTheCore) {
  std::optional<CoreActivity> seen;
  AddHandler("look", true, [&](TaskContext&) {
    now_ += 5'000;
    seen = steering_->Cores()[0];
    return TaskOutcome::kSucceeded;
  });
  BuildAll();
  EXPECT_FALSE(steering_->Cores()[0].running_handler.has_value());
  MustSubmit({.handler = "look"});
  TurnThrice();
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->running_handler, 3U);
  EXPECT_EQ(seen->running_for_ns, 5'000);
}

}  // namespace
}  // namespace weft
