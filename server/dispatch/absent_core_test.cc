// Wherever a core is named that is not there, in a task, a filter, a budget or a task's id, nothing
// is looked up with it: it is refused, counted and told, also at the very edge of what there is.
#include "dispatch/absent_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "dispatch/dispatcher_fixture.h"
#include "dispatch/steering.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class AbsentCores final : public DispatchObserver {
 public:
  void OnStall(const Stall& /*stall*/) override {}
  void OnDemoted(const TaskEntry& /*entry*/) override {}
  void OnAbsentCore(uint32_t core, std::string_view field) override {
    told.emplace_back(std::string(field), core);
  }
  void OnCoreChange(const CoreChange& /*change*/) override {}

  std::vector<std::pair<std::string, uint32_t>> told;
};

// CPUs 10 and 11.
class AbsentCoreTest : public DispatcherFixture {
 protected:
  void BuildTwo() {
    Build(/*core_count=*/2);
    dispatcher_->set_observer(observer_);
  }
  uint64_t counted() const { return dispatcher_->stats().absent_cores.value(); }

  AbsentCores observer_;
};

TEST(AbsentCore, IsToldWithWhatThereIsAndHowMany) {
  const Refusal refusal = AbsentCore("specs[3].core", 9, {70, 2, 3});
  EXPECT_EQ(refusal.message,
            "specs[3].core is 9, which is not one of the 3 CPUs of executor.cores: 2-3,70");
  EXPECT_EQ(refusal.field, "specs[3].core");
  EXPECT_EQ(refusal.reason, RefusalReason::kInvalidField);
  EXPECT_EQ(refusal.absent_core, 9u);
  EXPECT_EQ(AbsentCore("core", 0, {5}).message,
            "core is 0, which is not one of the 1 CPU of executor.cores: 5");
}

TEST_F(AbsentCoreTest, OfATaskIsRefusedAndLeavesNothing) {
  BuildTwo();
  for (const uint32_t cpu : {0u, 9u, 12u, 1u << 31, UINT32_MAX}) {
    const auto refusal = Submit({.handler = "echo", .cpu = cpu});
    ASSERT_TRUE(refusal) << cpu;
    EXPECT_EQ(refusal->reason, RefusalReason::kInvalidField);
    EXPECT_EQ(observer_.told.back(), std::make_pair(std::string("spec.core"), cpu));
  }
  EXPECT_EQ(counted(), 5u);
  EXPECT_EQ(dispatcher_->in_flight(), 0u);
  MustSubmit({.handler = "echo", .cpu = 11});
  TurnAll();
  EXPECT_EQ(counted(), 5u);
  ExpectPromisesKept();
}

TEST_F(AbsentCoreTest, OfAFilterIsRefused) {
  BuildTwo();
  EXPECT_TRUE(dispatcher_->CheckFilter({.cpu = 12}));
  EXPECT_FALSE(dispatcher_->CheckFilter({.cpu = 11}));
  EXPECT_FALSE(dispatcher_->CheckFilter({.cpu = kPoolCpu}));
  EXPECT_THAT(observer_.told, ElementsAre(Pair("filter.core", 12)));
  EXPECT_EQ(counted(), 1u);
}

TEST_F(AbsentCoreTest, OfABudgetIsRefusedAndChangesNone) {
  BuildTwo();
  Steering<ManualEnv> steering(*dispatcher_, *this, {});
  std::vector<uint32_t> cpus;
  EXPECT_TRUE(steering.SetBudget(UINT32_MAX, {.polls = 1}, &cpus));
  EXPECT_TRUE(steering.SetBudget(2, {.polls = 1}, &cpus));
  EXPECT_THAT(cpus, IsEmpty());
  EXPECT_EQ(steering.Cores()[1].budget, TurnBudget{});
  EXPECT_THAT(observer_.told, ElementsAre(Pair("core", UINT32_MAX), Pair("core", 2)));
  EXPECT_EQ(counted(), 2u);
}

// The upper bits of an id are the index of a core; anybody can make one up.
TEST_F(AbsentCoreTest, OfATasksIdIsNotFoundAndLooksNothingUp) {
  pool_threads_ = 1;
  BuildTwo();
  const TaskId known = MustSubmit({.handler = "echo"}, {.retain = true});
  TurnAll();
  TaskSummary task;
  TestReceiver receiver;
  // The pool is the third.
  for (const uint32_t core : {3u, 255u}) {
    const TaskId id = TaskId::Make(core, known.serial());
    EXPECT_EQ(dispatcher_->Get(id, &task)->reason, RefusalReason::kTaskNotFound);
    EXPECT_EQ(dispatcher_->Wait(id, 0, receiver)->reason, RefusalReason::kTaskNotFound);
    EXPECT_EQ(dispatcher_->Cancel(id, CancelReason::kClient, nullptr)->reason,
              RefusalReason::kTaskNotFound);
    EXPECT_EQ(observer_.told.back(), std::make_pair(std::string("task_id"), core));
  }
  EXPECT_EQ(counted(), 6u);
  EXPECT_TRUE(Gone(TaskId::Make(2, known.serial() + 1'000)));
  EXPECT_TRUE(Gone(TaskId::Make(1, known.serial() + 1'000)));
  EXPECT_EQ(counted(), 6u) << "those cores are there";
  EXPECT_EQ(receiver.calls, 0);
  EXPECT_FALSE(Gone(known));
}

// As many as an id has room for: the last is the pool, and none is taken for another.
TEST_F(AbsentCoreTest, IsNoneWhereThereAreAsManyAsThereMayBe) {
  pool_threads_ = 1;
  Build(kMaxCores, /*stacks=*/1);
  dispatcher_->set_observer(observer_);
  const TaskId last = MustSubmit({.handler = "echo", .cpu = 10 + kMaxCores - 1}, {.retain = true});
  EXPECT_EQ(last.core_index(), kMaxCores - 1);
  TurnAll();
  EXPECT_EQ(StateOf(last), TaskState::kSucceeded);
  EXPECT_TRUE(Gone(TaskId::Make(kMaxCores, last.serial())));
  EXPECT_EQ(counted(), 0u);
  EXPECT_TRUE(Submit({.handler = "echo", .cpu = 10 + kMaxCores}));
  EXPECT_EQ(counted(), 1u);
}

TEST_F(AbsentCoreTest, IsCountedWithoutAnyoneWhoHears) {
  Build();
  EXPECT_TRUE(Submit({.handler = "echo", .cpu = 11}));
  EXPECT_EQ(counted(), 1u);
}

}  // namespace
}  // namespace weft
