#include "dispatch/door.h"

#include <functional>

#include <gtest/gtest.h>

#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

// Plays the completion queue; a wait lets the world go on instead of sleeping.
class FakeSource final : public DoorSource {
 public:
  size_t Poll(size_t max_events) override {
    ++polls;
    poll_max = max_events;
    return on_poll ? on_poll() : 0;
  }
  size_t Wait(int64_t timeout_ns) override {
    ++waits;
    last_timeout_ns = timeout_ns;
    return on_wait ? on_wait(timeout_ns) : 0;
  }
  void Ring() override { ++rings; }
  sys::Ticks Tick(sys::Ticks now) override {
    ++ticks;
    return on_tick ? on_tick(now) : sys::kTicksForever;
  }

  int ticks = 0;
  std::function<sys::Ticks(sys::Ticks)> on_tick;
  int polls = 0, waits = 0, rings = 0;
  size_t poll_max = 0;
  int64_t last_timeout_ns = 0;
  std::function<size_t()> on_poll;
  std::function<size_t(int64_t)> on_wait;
};

class DoorTest : public DispatcherFixture {
 protected:
  void BuildDoor(IdlePolicy idle) {
    Build();
    doorbell_.ring = [](void* source) { static_cast<FakeSource*>(source)->Ring(); };
    doorbell_.argument = &source_;
    door_ =
        std::make_unique<BasicDoor<ManualEnv>>(source_, *dispatcher_, doorbell_, env_, idle, 50);
    source_.on_wait = [this](int64_t timeout_ns) {
      now_ += timeout_ns;
      for (auto& core : cores_) core->Turn();
      if (source_.waits > 1'000) door_->RequestDrain();
      return size_t{0};
    };
  }

  FakeSource source_;
  std::unique_ptr<BasicDoor<ManualEnv>> door_;
};

TEST_F(DoorTest, PostsInTheSameRoundWhatThePollSubmitted) {
  BuildDoor(IdlePolicy::kSpin);
  TestReceiver receiver;
  source_.on_poll = [&] {
    if (source_.polls > 1) return size_t{0};
    MustSubmit({.handler = "echo"}, {.receiver = &receiver});
    return size_t{1};
  };
  EXPECT_TRUE(door_->Round());
  EXPECT_EQ(source_.poll_max, 64u);
  EXPECT_FALSE(dispatcher_->HasStaged());
  cores_[0]->Turn();
  EXPECT_TRUE(door_->Round());
  EXPECT_EQ(receiver.calls, 1);
  EXPECT_FALSE(door_->Round());
  EXPECT_EQ(dispatcher_->stats().door.rounds.value(), 3u);
}

TEST_F(DoorTest, RunsUntilTheDrainHasAnsweredEverything) {
  BuildDoor(IdlePolicy::kSleep);
  TestReceiver receiver;
  MustSubmit({.handler = "sleep"}, {.receiver = &receiver});
  door_->RequestDrain();
  EXPECT_TRUE(door_->draining());
  door_->Run();
  EXPECT_EQ(receiver.calls, 1);
  EXPECT_EQ(receiver.result.state, TaskState::kSucceeded);
  EXPECT_EQ(door_->left(), 0u);
  EXPECT_GE(source_.rings, 1);
  EXPECT_GE(dispatcher_->stats().door.rings.value(), 1u);
  EXPECT_EQ(Submit({.handler = "echo"})->reason, RefusalReason::kDraining);
}

TEST_F(DoorTest, LingersForWhoHasStillToAskForAResult) {
  BuildDoor(IdlePolicy::kSleep);
  const TaskId id = MustSubmit({.handler = "echo"}, {.retain = true});
  TurnAll();
  const sys::Ticks began = now_;
  bool has_asked = false;
  source_.on_poll = [&] {
    // Late, but just in time: whoever comes next has as long again.
    if (has_asked || now_ - began < 100'000'000) return size_t{0};
    has_asked = true;
    EXPECT_EQ(StateOf(id), TaskState::kSucceeded);
    return size_t{1};
  };
  door_->RequestDrain();
  door_->Run();
  EXPECT_TRUE(has_asked);
  EXPECT_GE(now_ - began, 300'000'000);
  EXPECT_LT(now_ - began, 400'000'000);
}

TEST_F(DoorTest, LingersOnlySoLongForCallersThatNeverStop) {
  BuildDoor(IdlePolicy::kSleep);
  const sys::Ticks began = now_;
  source_.on_poll = [&] {
    now_ += 10'000'000;
    return size_t{1};
  };
  door_->RequestDrain();
  door_->Run();
  EXPECT_GE(now_ - began, 2'000'000'000);
  EXPECT_LT(now_ - began, 2'100'000'000);
}

TEST_F(DoorTest, NeverLingersBeyondTheDrainLimit) {
  BuildDoor(IdlePolicy::kSleep);
  door_->set_drain_limit_ns(50'000'000);
  const sys::Ticks began = now_;
  door_->RequestDrain();
  door_->Run();
  EXPECT_GE(now_ - began, 50'000'000);
  EXPECT_LT(now_ - began, 100'000'000);
}

TEST_F(DoorTest, AsksWhatIsHeldToStopAtTheDrainLimit) {
  BuildDoor(IdlePolicy::kSleep);
  door_->set_drain_limit_ns(0);
  TestReceiver receiver;
  MustSubmit({.handler = "sleep"}, {.receiver = &receiver});
  TurnAll();
  door_->RequestDrain();
  door_->Run();
  EXPECT_EQ(receiver.result.state, TaskState::kCancelled);
  EXPECT_EQ(receiver.result.error_code, TaskErrorCode::kShuttingDown);
  EXPECT_EQ(door_->left(), 0u);
}

TEST_F(DoorTest, EndsAfterTheGraceAndTellsHowManyAreLeft) {
  BuildDoor(IdlePolicy::kSleep);
  door_->set_drain_limit_ns(1'000'000'000);
  MustSubmit({.handler = "sleep"});
  MustSubmit({.handler = "sleep"});
  // The core never turns, as if a handler held it.
  source_.on_wait = [this](int64_t timeout_ns) {
    now_ += timeout_ns;
    return size_t{0};
  };
  const sys::Ticks began = now_;
  door_->RequestDrain();
  door_->Run();
  EXPECT_EQ(door_->left(), 2u);
  EXPECT_GE(now_ - began, 2'000'000'000);
  EXPECT_LT(now_ - began, 2'500'000'000);
}

TEST_F(DoorTest, NeverWaitsWhenToldToSpin) {
  BuildDoor(IdlePolicy::kSpin);
  source_.on_poll = [&] {
    now_ += 10'000;
    if (source_.polls == 1'000) door_->RequestDrain();
    return size_t{0};
  };
  door_->Run();
  EXPECT_EQ(source_.waits, 0);
  EXPECT_EQ(dispatcher_->stats().door.sleeps.value(), 0u);
}

TEST_F(DoorTest, SpinsForItsBudgetAndThenWaits) {
  BuildDoor(IdlePolicy::kAdaptive);
  int polls_before_wait = 0;
  source_.on_poll = [&] {
    now_ += 1'000;
    return size_t{0};
  };
  source_.on_wait = [&](int64_t timeout_ns) {
    if (polls_before_wait == 0) polls_before_wait = source_.polls;
    EXPECT_EQ(dispatcher_->stats().door.sleeps.value(), uint64_t(source_.waits));
    now_ += timeout_ns;
    door_->RequestDrain();
    return size_t{0};
  };
  door_->Run();
  EXPECT_GE(polls_before_wait, 50);
  EXPECT_LE(polls_before_wait, 53);
}

TEST_F(DoorTest, SpinsLongerButNotForeverWhileTasksAreInFlight) {
  BuildDoor(IdlePolicy::kAdaptive);
  MustSubmit({.handler = "sleep"});
  int polls_before_wait = 0;
  source_.on_poll = [&] {
    now_ += 1'000;
    return size_t{0};
  };
  const auto go_on = source_.on_wait;
  source_.on_wait = [&](int64_t timeout_ns) {
    if (polls_before_wait == 0) polls_before_wait = source_.polls;
    door_->RequestDrain();
    return go_on(timeout_ns);
  };
  door_->Run();
  EXPECT_GE(polls_before_wait, 200);
  EXPECT_LE(polls_before_wait, 203);
}

TEST_F(DoorTest, WaitsNoLongerThanTheNextDeadlineOfAWait) {
  BuildDoor(IdlePolicy::kSleep);
  TestReceiver receiver;
  const TaskId id = MustSubmit({.handler = "sleep"});
  source_.on_poll = [&] {
    if (source_.polls > 1) return size_t{0};
    EXPECT_FALSE(dispatcher_->Wait(id, 300'000, receiver));
    return size_t{1};
  };
  int64_t first_timeout_ns = 0;
  const auto go_on = source_.on_wait;
  source_.on_wait = [&](int64_t timeout_ns) {
    if (first_timeout_ns == 0) first_timeout_ns = timeout_ns;
    door_->RequestDrain();
    return go_on(timeout_ns);
  };
  door_->Run();
  EXPECT_EQ(first_timeout_ns, 300'000);
  EXPECT_EQ(receiver.calls, 1);
  EXPECT_FALSE(receiver.ended);
}

TEST_F(DoorTest, WaitsBrieflyForACoreWhoseInboxIsFull) {
  inbox_capacity_ = 2;
  BuildDoor(IdlePolicy::kSleep);
  for (int i = 0; i < 4; ++i) MustSubmit({.handler = "echo"});
  door_->RequestDrain();
  int64_t first_timeout_ns = 0;
  const auto go_on = source_.on_wait;
  source_.on_wait = [&](int64_t timeout_ns) {
    if (first_timeout_ns == 0) first_timeout_ns = timeout_ns;
    return go_on(timeout_ns);
  };
  door_->Run();
  EXPECT_EQ(first_timeout_ns, 50'000);
  EXPECT_EQ(dispatcher_->Snapshot().succeeded, 4u);
}

TEST_F(DoorTest, CallsItsSourceWhenThatWantsToBeCalled) {
  BuildDoor(IdlePolicy::kSleep);
  source_.on_tick = [this](sys::Ticks now) { return now + 7'000'000; };
  door_->Round();
  const int ticks = source_.ticks;
  now_ += 6'999'999;
  door_->Round();
  EXPECT_EQ(source_.ticks, ticks) << "not yet";
  now_ += 1;
  door_->Round();
  EXPECT_EQ(source_.ticks, ticks + 1);
}

class TestErrand final : public DoorErrand {
 public:
  explicit TestErrand(std::function<void()> run) : run_(std::move(run)) {}
  void Run() override { run_(); }

 private:
  const std::function<void()> run_;
};

TEST_F(DoorTest, RunsAnErrandBetweenTwoRounds) {
  BuildDoor(IdlePolicy::kSpin);
  int runs = 0;
  TestErrand errand([&runs] { ++runs; });
  EXPECT_TRUE(door_->Post(errand));
  EXPECT_EQ(runs, 0);
  EXPECT_TRUE(door_->Round());
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(door_->Round());
}

TEST_F(DoorTest, IsWokenByAnErrandAndDoesNotSleepOverOne) {
  BuildDoor(IdlePolicy::kSleep);
  TestErrand drain([this] { door_->RequestDrain(); });
  source_.on_wait = [&](int64_t timeout_ns) {
    now_ += timeout_ns;
    if (source_.waits == 1) {
      EXPECT_TRUE(door_->Post(drain));
      EXPECT_EQ(source_.rings, 1);
    }
    return size_t{0};
  };
  door_->Run();
  EXPECT_TRUE(dispatcher_->draining());
}

TEST_F(DoorTest, RefusesErrandsOnceItHasEnded) {
  BuildDoor(IdlePolicy::kSleep);
  door_->RequestDrain();
  door_->Run();
  TestErrand late([] { ADD_FAILURE() << "nobody runs it any more"; });
  EXPECT_FALSE(door_->Post(late));
}

}  // namespace
}  // namespace weft
