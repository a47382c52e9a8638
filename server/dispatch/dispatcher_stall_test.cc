// Proves who is named for holding a core, timed or not: the handler that does, once and with what
// it is known to have held; and not those whose many short tasks no clock tells apart.
#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <vector>

#include "dispatch/dispatcher_fixture.h"
#include "dispatch/steering.h"

namespace weft {
namespace {

class TestObserver final : public DispatchObserver {
 public:
  void OnStall(const Stall& told) override {
    ++calls;
    stall = told;
  }
  void OnDemoted(const TaskEntry& entry) override { demoted.push_back(entry.name); }
  void OnAbsentCore(uint32_t /*core*/, std::string_view /*field*/) override {}
  void OnCoreChange(const CoreChange& /*change*/) override {}

  int calls = 0;
  Stall stall;
  std::vector<std::string_view> demoted;
};

// The threshold is 100 ms.
class StallTest : public DispatcherFixture {
 protected:
  StallTest() {
    AddHandler("stall", true, [this](TaskContext&) {
      dispatcher_->Tick(now_);
      now_ += 90'000'000;
      dispatcher_->Tick(now_);
      EXPECT_EQ(observer_.calls, 0);
      for (int look = 0; look < 4; ++look) {
        now_ += 25'000'000;
        dispatcher_->Tick(now_);
      }
      return TaskOutcome::kSucceeded;
    });
    // The Door looks in the midst of it.
    AddHandler("brief", true, [this](TaskContext&) {
      now_ += 5'000'000;
      dispatcher_->Tick(now_);
      now_ += 5'000'000;
      return TaskOutcome::kSucceeded;
    });
    AddHandler("brief_yields", false, [this](TaskContext& context) {
      for (int slice = 0; slice < 32; ++slice) {
        now_ += 10'000'000;
        dispatcher_->Tick(now_);
        context.Yield();
      }
      return TaskOutcome::kSucceeded;
    });
    options_.max_queue_depth = 64;
  }

  void BuildWatched() {
    Build();
    dispatcher_->set_observer(observer_);
  }
  // Without timing the clock of a core that has run many tasks of no length stands for the most.
  void BuildUntimed() {
    options_.timing_metrics = false;
    BuildWatched();
    for (int task = 0; task < 31; ++task) MustSubmit({.handler = "echo"});
    TurnAll();
  }

  TestObserver observer_;
};

TEST_F(StallTest, NamesAHandlerThatHoldsACoreBeyondTheThresholdOnce) {
  BuildWatched();
  MustSubmit({.handler = "stall"});
  TurnAll();
  EXPECT_EQ(observer_.calls, 1);
  EXPECT_EQ(observer_.stall.cpu, 10);
  EXPECT_EQ(observer_.stall.holder.entry, Find("stall"));
  EXPECT_EQ(observer_.stall.held_ns, 115'000'000);
  EXPECT_EQ(observer_.stall.threshold_ns, 100'000'000);
  EXPECT_EQ(dispatcher_->Snapshot().cores[0].stalls, 1u);
}

TEST_F(StallTest, WithTimingOffNamesAHandlerThatHoldsACore) {
  BuildUntimed();
  for (int task = 0; task < 5; ++task) MustSubmit({.handler = "brief"});
  MustSubmit({.handler = "stall"});
  TurnAll();
  EXPECT_EQ(observer_.calls, 1);
  EXPECT_EQ(observer_.stall.holder.entry, Find("stall"));
  EXPECT_EQ(observer_.stall.held_ns, 100'000'000) << "since the Door's look at its 90th ms";
  EXPECT_EQ(dispatcher_->Snapshot().cores[0].stalls, 1u);
}

TEST_F(StallTest, WithTimingOffManyShortTasksInARowAreNoStall) {
  options_.stall_policy = StallPolicy::kDemote;
  pool_threads_ = 1;
  BuildUntimed();
  for (int task = 0; task < 60; ++task) MustSubmit({.handler = "brief"});
  TurnAll();
  EXPECT_EQ(observer_.calls, 0) << "held " << observer_.stall.held_ns;
  EXPECT_TRUE(observer_.demoted.empty());
  EXPECT_FALSE(Find("brief")->pooled.is_set());
}

TEST_F(StallTest, WithTimingOffATaskThatYieldsIsNoStall) {
  BuildUntimed();
  MustSubmit({.handler = "brief_yields"});
  TurnAll();
  EXPECT_EQ(observer_.calls, 0) << "held " << observer_.stall.held_ns;
}

// A task that ends and one that goes on where it had suspended are told apart, too.
TEST_F(StallTest, WithTimingOffTasksThatGoOnOneByOneAreNoStall) {
  AddHandler("brief_at_last", false, [this](TaskContext& context) {
    context.SleepFor(1'000'000);
    now_ += 10'000'000;
    dispatcher_->Tick(now_);
    return TaskOutcome::kSucceeded;
  });
  options_.timing_metrics = false;
  Build(/*core_count=*/1, /*stacks=*/32);
  dispatcher_->set_observer(observer_);
  for (int task = 0; task < 31; ++task) MustSubmit({.handler = "brief_at_last"});
  TurnAll();
  now_ += 2'000'000;
  TurnAll();
  EXPECT_EQ(dispatcher_->Snapshot().succeeded, 31u);
  EXPECT_EQ(observer_.calls, 0) << "held " << observer_.stall.held_ns;
}

TEST_F(StallTest, WithTimingOffACoreIsSaidToBeHeldSinceThatWasFirstSeen) {
  std::vector<int64_t> told;
  Steering<ManualEnv>* steering = nullptr;
  const auto look = [&] {
    const CoreActivity activity = steering->Cores()[0];
    EXPECT_TRUE(activity.running_handler.has_value());
    told.push_back(activity.running_for_ns);
  };
  AddHandler("look", true, [&](TaskContext&) {
    now_ += 5'000'000;
    look();
    now_ += 2'000'000;
    look();
    return TaskOutcome::kSucceeded;
  });
  BuildUntimed();
  Steering<ManualEnv> made(*dispatcher_, *this, {"echo"});
  steering = &made;
  MustSubmit({.handler = "look"});
  MustSubmit({.handler = "look"});
  TurnAll();
  EXPECT_EQ(told, (std::vector<int64_t>{0, 2'000'000, 0, 2'000'000}));
}

}  // namespace
}  // namespace weft
