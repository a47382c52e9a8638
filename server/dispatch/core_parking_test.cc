// Which cores take new tasks, with a Door and cores turned by hand in manual time: parked one by
// one while load is low, taken in when it rises or nothing else has room; what names a parked core
// still gets there, what is on it ends there, and the daemon's end finds nothing left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dispatch/dispatcher_fixture.h"
#include "dispatch/router.h"
#include "dispatch/steering.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Cause = CoreChange::Cause;

class Changes final : public DispatchObserver {
 public:
  void OnStall(const Stall& /*stall*/) override {}
  void OnDemoted(const TaskEntry& /*entry*/) override {}
  void OnAbsentCore(uint32_t /*core*/, std::string_view /*field*/) override {}
  void OnCoreChange(const CoreChange& change) override {
    told.push_back((change.is_active ? "+" : "-") + std::to_string(change.cpu));
    last = change;
  }

  std::vector<std::string> told;  // "-11": CPU 11 was parked.
  CoreChange last;
};

// CPUs from 10 on.
class ActiveTest : public DispatcherFixture {
 protected:
  ActiveTest() {
    AddHandler("work", true, [this](TaskContext&) {
      now_ += work_ns_;
      return TaskOutcome::kSucceeded;
    });
  }

  void BuildCores(size_t cores, uint32_t active_min) {
    options_.active_min = active_min;
    Build(cores);
    dispatcher_->set_observer(changes_);
  }
  // A core goes on turning until there is nothing to do; by hand a turn would last until the next.
  void Settle() {
    TurnAll();
    TurnAll();
  }
  // So many looks of the Door, between which nothing happens but what the cores have to do.
  void Look(uint32_t looks) {
    for (uint32_t look = 0; look < looks; ++look) {
      now_ += ActiveCores::kLookNs;
      dispatcher_->Tick(now_);
      TurnAll();
    }
  }
  // A look in whose time the first core, which the task names, was busy for that share.
  void LookBusy(int64_t percent) {
    work_ns_ = ActiveCores::kLookNs / 100 * percent;
    if (percent > 0) MustSubmit({.handler = "work", .cpu = 10});
    const sys::Ticks until = now_ + ActiveCores::kLookNs;
    Settle();
    now_ = until;
    dispatcher_->Tick(now_);
    TurnAll();
  }
  // Until no more is parked.
  void ParkAll() {
    Look(ActiveCores::kParkLooks * static_cast<uint32_t>(cores_.size()));
    changes_.told.clear();
  }
  std::vector<CoreState> States() {
    std::vector<CoreState> states;
    for (const CoreSnapshot& core : dispatcher_->Snapshot().cores) states.push_back(core.state);
    return states;
  }
  uint32_t CpuOf(const TaskSpec& spec) {
    MustSubmit(spec);
    return accepted_.cpu;
  }
  // One that means that core.
  static std::string KeyOf(size_t core, size_t core_count) {
    for (int i = 0;; ++i) {
      std::string key = "key-" + std::to_string(i);
      if (AffinityCore(key, core_count) == core) return key;
    }
  }

  Changes changes_;
  int64_t work_ns_ = 0;
};

TEST_F(ActiveTest, AllCoresTakeTasksUnlessAskedOtherwise) {
  BuildCores(2, 0);
  Look(100);
  EXPECT_THAT(States(), ElementsAre(CoreState::kActive, CoreState::kActive));
  EXPECT_EQ(CpuOf({.handler = "echo"}) + CpuOf({.handler = "echo"}), 21u);
  EXPECT_THAT(changes_.told, IsEmpty());
  EXPECT_EQ(dispatcher_->stats().active_cores.value(), 2);
  EXPECT_EQ(dispatcher_->stats().active_cores_min.value(), 2);
}

TEST_F(ActiveTest, TheLastIsParkedFirstAndGetsNoMoreTasks) {
  BuildCores(3, 1);
  Look(ActiveCores::kParkLooks - 1);
  EXPECT_THAT(changes_.told, IsEmpty());
  Look(1);
  EXPECT_THAT(changes_.told, ElementsAre("-12"));
  EXPECT_THAT(States(), ElementsAre(CoreState::kActive, CoreState::kActive, CoreState::kParked));
  Look(10 * ActiveCores::kParkLooks);
  EXPECT_THAT(changes_.told, ElementsAre("-12", "-11"));
  EXPECT_EQ(changes_.last.cause, Cause::kLoad);
  EXPECT_EQ(changes_.last.active, 1u);
  EXPECT_EQ(changes_.last.least, 1u);
  EXPECT_EQ(dispatcher_->stats().core_parks.value(), 2u);
  EXPECT_EQ(dispatcher_->stats().active_cores.value(), 1);
  EXPECT_EQ(dispatcher_->Snapshot().active_cores, 1u);
  EXPECT_EQ(dispatcher_->Snapshot().active_workers, 3u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(CpuOf({.handler = "echo"}), 10u);
  TurnAll();
  ExpectPromisesKept();
}

TEST_F(ActiveTest, AParkedCoreSleepsAtOnce) {
  BuildCores(2, 1);
  ParkAll();
  Core<ManualEnv>& parked = *cores_[1];
  EXPECT_FALSE(parked.Turn());
  parked.Idle();
  EXPECT_EQ(parked.stats().sleeps.value(), 1u);
  EXPECT_EQ(parked.stats().spin_budget_ns.value(), 0);
}

TEST_F(ActiveTest, WhatNamesAParkedCoreOrBelongsToItGetsThere) {
  BuildCores(3, 1);
  const std::string key = KeyOf(2, 3);
  EXPECT_EQ(CpuOf({.handler = "echo", .affinity_key = key}), 12u);
  TurnAll();
  ParkAll();
  EXPECT_EQ(CpuOf({.handler = "echo", .affinity_key = key}), 12u) << "a key means one core, always";
  const TaskId named = MustSubmit({.handler = "echo", .cpu = 12}, {.retain = true});
  EXPECT_EQ(accepted_.cpu, 12u);
  EXPECT_EQ(States()[2], CoreState::kDraining);
  TurnAll();
  EXPECT_EQ(StateOf(named), TaskState::kSucceeded);
  EXPECT_EQ(States()[2], CoreState::kParked);
  EXPECT_THAT(changes_.told, IsEmpty());
  ExpectPromisesKept();
}

TEST_F(ActiveTest, ABusyCoreTakesInTheNextAndAnIdleOneLetsItGo) {
  BuildCores(2, 1);
  ParkAll();
  for (int look = 0; look < 10; ++look) LookBusy(70);
  EXPECT_THAT(changes_.told, IsEmpty()) << "not yet high";
  LookBusy(80);
  EXPECT_THAT(changes_.told, IsEmpty()) << "not for long enough";
  LookBusy(80);
  EXPECT_THAT(changes_.told, ElementsAre("+11"));
  EXPECT_EQ(changes_.last.busy_percent, 80u);
  EXPECT_THAT(States(), ElementsAre(CoreState::kActive, CoreState::kActive));
  for (uint32_t look = 0; look < 3 * ActiveCores::kParkLooks; ++look) LookBusy(60);
  EXPECT_THAT(changes_.told, ElementsAre("+11")) << "less load than brought it in keeps it";
  for (uint32_t look = 0; look < ActiveCores::kParkLooks; ++look) LookBusy(40);
  EXPECT_THAT(changes_.told, ElementsAre("+11", "-11"));
  EXPECT_EQ(dispatcher_->stats().core_unparks.value(), 1u);
  ExpectPromisesKept();
}

// The core's own count grows at the end of its turn only.
TEST_F(ActiveTest, ATaskThatRunsOnAndOnIsLoad) {
  AddHandler("on_and_on", true, [this](TaskContext&) {
    for (int look = 0; look < 2; ++look) {
      now_ += ActiveCores::kLookNs;
      dispatcher_->Tick(now_);
    }
    return TaskOutcome::kSucceeded;
  });
  BuildCores(2, 1);
  ParkAll();
  MustSubmit({.handler = "on_and_on"});
  TurnAll();
  EXPECT_THAT(changes_.told, ElementsAre("+11"));
  EXPECT_GE(changes_.last.busy_percent, 99u);
}

TEST_F(ActiveTest, WhatWaitsTakesInTheNext) {
  BuildCores(2, 1);
  ParkAll();
  for (const Priority priority : {Priority::kHigh, Priority::kNormal}) {
    for (int i = 0; i < 4; ++i) MustSubmit({.handler = "echo", .priority = priority});
  }
  for (uint32_t look = 0; look < ActiveCores::kUnparkLooks; ++look) {
    now_ += ActiveCores::kLookNs;
    dispatcher_->Tick(now_);
  }
  EXPECT_THAT(changes_.told, ElementsAre("+11"));
  EXPECT_EQ(changes_.last.queued, 8u);
  EXPECT_EQ(CpuOf({.handler = "echo"}), 11u);
  TurnAll();
  ExpectPromisesKept();
}

TEST_F(ActiveTest, ALoadThatSwingsMovesNothing) {
  BuildCores(3, 1);
  Look(ActiveCores::kParkLooks);
  changes_.told.clear();
  for (int look = 0; look < 200; ++look) LookBusy(look % 4 == 0 ? 100 : 40);
  EXPECT_THAT(changes_.told, IsEmpty());
}

// Parking refuses nothing that would have been taken without it.
TEST_F(ActiveTest, AreTakenInAtOnceWhenNoneHasRoom) {
  BuildCores(3, 1);
  ParkAll();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(CpuOf({.handler = "echo"}), 10u);
  EXPECT_EQ(CpuOf({.handler = "echo"}), 11u);
  EXPECT_THAT(changes_.told, ElementsAre("+11"));
  EXPECT_EQ(changes_.last.cause, Cause::kNoRoom);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(CpuOf({.handler = "echo"}), 11u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(CpuOf({.handler = "echo"}), 12u);
  EXPECT_EQ(Submit({.handler = "echo"})->reason, RefusalReason::kQueueFull);
  EXPECT_THAT(changes_.told, ElementsAre("+11", "+12"));
  TurnAll();
  TurnAll();
  EXPECT_EQ(dispatcher_->in_flight(), 0u);
  ExpectPromisesKept();
}

TEST_F(ActiveTest, AParkedCoreThatIsFullIsPassedOver) {
  BuildCores(3, 1);
  ParkAll();
  for (int i = 0; i < 4; ++i) MustSubmit({.handler = "echo", .cpu = 11});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(CpuOf({.handler = "echo"}), 10u);
  EXPECT_EQ(CpuOf({.handler = "echo"}), 12u);
  EXPECT_THAT(changes_.told, ElementsAre("+11", "+12"));
}

TEST_F(ActiveTest, NothingMovesWhenAllMustBeActiveOrThereIsOne) {
  BuildCores(1, 1);
  Look(100);
  for (int look = 0; look < 10; ++look) LookBusy(100);
  EXPECT_THAT(changes_.told, IsEmpty());
  cores_.clear();
  BuildCores(2, 2);
  Look(100);
  for (int look = 0; look < 10; ++look) LookBusy(100);
  EXPECT_THAT(changes_.told, IsEmpty());
  EXPECT_THAT(States(), ElementsAre(CoreState::kActive, CoreState::kActive));
}

TEST_F(ActiveTest, ACoreWithSleepersDrainsBeforeItIsParked) {
  AddHandler("nap", false, [](TaskContext& context) {
    return context.SleepFor(10'000'000'000) == WakeReason::kElapsed ? TaskOutcome::kSucceeded
                                                                    : context.Stop();
  });
  BuildCores(2, 1);
  const TaskId asleep = MustSubmit({.handler = "nap", .cpu = 11}, {.retain = true});
  const TaskId cut = MustSubmit({.handler = "nap", .cpu = 11}, {.retain = true});
  Settle();
  Look(ActiveCores::kParkLooks);
  EXPECT_THAT(changes_.told, ElementsAre("-11"));
  EXPECT_THAT(States(), ElementsAre(CoreState::kActive, CoreState::kDraining));
  TestCancelReceiver receiver;
  EXPECT_FALSE(dispatcher_->Cancel(cut, CancelReason::kClient, &receiver));
  Look(2);
  EXPECT_EQ(receiver.outcome, CancelOutcome::kRequestedRunning);
  EXPECT_EQ(StateOf(cut), TaskState::kCancelled);
  EXPECT_EQ(States()[1], CoreState::kDraining);
  now_ += 10'000'000'000;
  Look(2);
  EXPECT_EQ(StateOf(asleep), TaskState::kSucceeded);
  EXPECT_THAT(States(), ElementsAre(CoreState::kActive, CoreState::kParked));
  ExpectPromisesKept();
}

TEST_F(ActiveTest, HeldTasksAreNoLoadAndRunWhereTheyAreOnceTheirHandlerIsResumed) {
  BuildCores(2, 1);
  Steering<ManualEnv> steering(*dispatcher_, *this, {"echo"});
  std::vector<TaskId> held;
  for (const uint32_t cpu : {10u, 11u, 11u}) {
    held.push_back(MustSubmit({.handler = "echo", .cpu = cpu}, {.retain = true}));
  }
  bool changed = false;
  EXPECT_FALSE(steering.Pause("echo", &changed));
  Settle();
  Look(ActiveCores::kParkLooks);
  EXPECT_THAT(changes_.told, ElementsAre("-11"));
  EXPECT_EQ(States()[1], CoreState::kDraining);
  TestCancelReceiver receiver;
  EXPECT_FALSE(dispatcher_->Cancel(held[1], CancelReason::kClient, &receiver));
  Look(5);
  EXPECT_EQ(StateOf(held[1]), TaskState::kCancelled);
  EXPECT_EQ(StateOf(held[2]), TaskState::kQueued);
  EXPECT_FALSE(steering.Resume("echo", &changed));
  Look(2);
  EXPECT_EQ(StateOf(held[0]), TaskState::kSucceeded);
  EXPECT_EQ(StateOf(held[2]), TaskState::kSucceeded);
  EXPECT_EQ(States()[1], CoreState::kParked);
  EXPECT_THAT(changes_.told, ElementsAre("-11"));
  ExpectPromisesKept();
}

TEST_F(ActiveTest, ManyHeldTasksTakeNoCoreIn) {
  BuildCores(2, 1);
  Steering<ManualEnv> steering(*dispatcher_, *this, {"echo"});
  ParkAll();
  for (const Priority priority : {Priority::kHigh, Priority::kNormal, Priority::kLow}) {
    for (int i = 0; i < 4; ++i) MustSubmit({.handler = "echo", .priority = priority, .cpu = 10});
  }
  bool changed = false;
  EXPECT_FALSE(steering.Pause("echo", &changed));
  Look(50);
  EXPECT_EQ(dispatcher_->Snapshot().cores[0].held, 12u);
  EXPECT_THAT(changes_.told, IsEmpty());
}

TEST_F(ActiveTest, TheDaemonsDrainEndsWhatDrainsAndMovesNothing) {
  BuildCores(2, 1);
  ParkAll();
  const TaskId asleep = MustSubmit({.handler = "sleep", .cpu = 11}, {.retain = true});
  TurnAll();
  EXPECT_EQ(States()[1], CoreState::kDraining);
  dispatcher_->BeginDrain();
  EXPECT_EQ(Submit({.handler = "echo", .cpu = 11})->reason, RefusalReason::kDraining);
  dispatcher_->CancelAll(CancelReason::kShutdown);
  Look(100);
  EXPECT_EQ(dispatcher_->in_flight(), 0u);
  EXPECT_THAT(changes_.told, IsEmpty());
  EXPECT_EQ(StateOf(asleep), TaskState::kCancelled);
  ExpectPromisesKept();
}

TEST_F(ActiveTest, AReloadTakesInWhatItAsksForAtOnce) {
  BuildCores(3, 1);
  ParkAll();
  DispatchOptions options = options_;
  dispatcher_->Reconfigure(options, 100);
  EXPECT_THAT(changes_.told, IsEmpty()) << "nothing has changed";
  options.active_min = 2;
  dispatcher_->Reconfigure(options, 100);
  EXPECT_THAT(changes_.told, ElementsAre("+11"));
  EXPECT_EQ(changes_.last.cause, Cause::kSetting);
  EXPECT_EQ(dispatcher_->stats().active_cores_min.value(), 2);
  options.active_min = 0;
  dispatcher_->Reconfigure(options, 100);
  EXPECT_THAT(changes_.told, ElementsAre("+11", "+12"));
  Look(100);
  EXPECT_THAT(changes_.told, ElementsAre("+11", "+12")) << "off again";
  options.active_min = 1;
  dispatcher_->Reconfigure(options, 100);
  Look(ActiveCores::kParkLooks);
  EXPECT_THAT(changes_.told, ElementsAre("+11", "+12", "-12"));
}

// So that an idle daemon is not woken ten times a second to see that it is idle.
TEST_F(ActiveTest, AsksForNoLookWhileTheFewestRest) {
  BuildCores(2, 1);
  now_ += ActiveCores::kLookNs;
  EXPECT_EQ(dispatcher_->Tick(now_), now_ + ActiveCores::kLookNs);
  ParkAll();
  now_ += ActiveCores::kLookNs;
  EXPECT_GT(dispatcher_->Tick(now_), now_ + ActiveCores::kLookNs);
  MustSubmit({.handler = "sleep"});
  TurnAll();
  now_ += ActiveCores::kLookNs;
  EXPECT_LE(dispatcher_->Tick(now_), now_ + ActiveCores::kLookNs);
}

}  // namespace
}  // namespace weft
