// Proves that timers fire in time order of their units, never early and never lost: by hand at the
// edges, and at random against a std::multimap, from microseconds to years and across the groups
// of the wheel. Random tests print their seed.
#include "core/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <vector>

namespace weft {
namespace {

constexpr sys::Ticks kUnit = sys::Ticks{1} << TimerWheel::kUnitShift;

uint64_t Seed() {
  const char* const given = std::getenv("WEFT_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// When the wheel fires a timer: its due time rounded up to a unit.
sys::Ticks FiresAt(sys::Ticks due) { return (std::max<sys::Ticks>(due, 0) + kUnit - 1) & -kUnit; }

std::vector<LiveTask> MakeTasks(uint32_t count) {
  std::vector<LiveTask> tasks(count);
  for (uint32_t slot = 0; slot < count; ++slot) tasks[slot].slot = slot;
  return tasks;
}

TEST(TimerWheel, FiresAtTheUnitAfterDueAndNotBefore) {
  auto tasks = MakeTasks(1);
  TimerWheel wheel(tasks, 0);
  wheel.Arm(&tasks[0], 10 * kUnit + 1);
  EXPECT_EQ(wheel.PopDue(10 * kUnit + 1), nullptr);
  EXPECT_EQ(wheel.PopDue(11 * kUnit - 1), nullptr);
  EXPECT_EQ(wheel.PopDue(11 * kUnit), &tasks[0]);
  EXPECT_FALSE(tasks[0].timer_armed);
  EXPECT_EQ(wheel.PopDue(INT64_MAX), nullptr) << "a timer fires once";
}

TEST(TimerWheel, WhatIsPastFiresAtTheNextLook) {
  auto tasks = MakeTasks(2);
  TimerWheel wheel(tasks, 1000 * kUnit);
  wheel.Arm(&tasks[0], 5);
  wheel.Arm(&tasks[1], -5);
  EXPECT_NE(wheel.PopDue(1000 * kUnit), nullptr);
  EXPECT_NE(wheel.PopDue(1000 * kUnit), nullptr);
  EXPECT_EQ(wheel.armed(), 0U);
}

TEST(TimerWheel, ADisarmedTimerNeverFires) {
  auto tasks = MakeTasks(3);
  TimerWheel wheel(tasks, 0);
  for (LiveTask& task : tasks) wheel.Arm(&task, 7 * kUnit);
  wheel.Disarm(&tasks[1]);
  wheel.Disarm(&tasks[1]);
  EXPECT_EQ(wheel.armed(), 2U);
  std::vector<uint32_t> fired;
  while (LiveTask* const task = wheel.PopDue(8 * kUnit)) fired.push_back(task->slot);
  std::sort(fired.begin(), fired.end());
  EXPECT_EQ(fired, (std::vector<uint32_t>{0, 2}));
}

TEST(TimerWheel, WithoutTimersNothingIsDue) {
  auto tasks = MakeTasks(1);
  TimerWheel wheel(tasks, 0);
  EXPECT_EQ(wheel.NextDue(), sys::kTicksForever);
  wheel.Arm(&tasks[0], kUnit);
  wheel.Disarm(&tasks[0]);
  EXPECT_EQ(wheel.NextDue(), sys::kTicksForever);
}

TEST(TimerWheel, TheFarthestTimerThereIsIsNotInThePast) {
  auto tasks = MakeTasks(1);
  TimerWheel wheel(tasks, 12345 * kUnit);
  for (const sys::Ticks due : {sys::kTicksForever, sys::kTicksForever - 1}) {
    wheel.Arm(&tasks[0], due);
    EXPECT_GT(wheel.NextDue(), 12345 * kUnit);
    EXPECT_EQ(wheel.PopDue(sys::Ticks{1} << 62), nullptr);
    wheel.Disarm(&tasks[0]);
  }
}

TEST(TimerWheel, FiresExactlyAcrossTheEdgeOfEveryGroup) {
  for (int bit = TimerWheel::kUnitShift; bit < 62; ++bit) {
    auto tasks = MakeTasks(3);
    const sys::Ticks edge = sys::Ticks{1} << bit;
    TimerWheel wheel(tasks, edge - kUnit);
    wheel.Arm(&tasks[0], edge - kUnit);
    wheel.Arm(&tasks[1], edge);
    wheel.Arm(&tasks[2], edge + kUnit);
    EXPECT_EQ(wheel.PopDue(edge - 1), &tasks[0]) << "bit " << bit;
    EXPECT_EQ(wheel.PopDue(edge - 1), nullptr) << "bit " << bit;
    EXPECT_EQ(wheel.PopDue(edge), &tasks[1]) << "bit " << bit;
    EXPECT_EQ(wheel.PopDue(edge), nullptr) << "bit " << bit;
    EXPECT_EQ(wheel.PopDue(edge + kUnit), &tasks[2]) << "bit " << bit;
  }
}

// Drives wheel and oracle alike.
class WheelRun {
 public:
  WheelRun(uint64_t seed, sys::Ticks start)
      : random_(seed), now_(start), tasks_(MakeTasks(kTasks)), wheel_(tasks_, start) {}

  void Step() {
    const uint64_t choice = random_() % 10;
    LiveTask& task = tasks_[random_() % kTasks];
    if (choice < 6) {
      if (!task.timer_armed) Arm(&task);
    } else if (choice < 7) {
      wheel_.Disarm(&task);
      Forget(task.slot);
    } else {
      Advance();
    }
    ASSERT_EQ(wheel_.armed(), oracle_.size());
    const sys::Ticks next = wheel_.NextDue();
    if (oracle_.empty()) {
      ASSERT_EQ(next, sys::kTicksForever);
    } else {
      ASSERT_LE(next, std::max(oracle_.begin()->first, now_)) << "would sleep past a timer";
    }
  }

 private:
  static constexpr uint32_t kTasks = 200;

  // Any width from a tick to half a century at 2.3 GHz, some in the past.
  sys::Ticks RandomSpan() { return static_cast<sys::Ticks>(random_() >> (2 + random_() % 62)); }

  void Arm(LiveTask* task) {
    const sys::Ticks due = random_() % 20 == 0 ? now_ - RandomSpan() % (now_ + 1)
                                               : now_ + RandomSpan() % (INT64_MAX - now_ - kUnit);
    wheel_.Arm(task, due);
    oracle_.emplace(FiresAt(due), task->slot);
  }

  void Forget(uint32_t slot) {
    for (auto at = oracle_.begin(); at != oracle_.end(); ++at) {
      if (at->second != slot) continue;
      oracle_.erase(at);
      return;
    }
  }

  // To NextDue, as a core does after a sleep, or by anything; rarely by much.
  void Advance() {
    const sys::Ticks span =
        random_() % 50 == 0 ? RandomSpan() >> 12 : RandomSpan() % (sys::Ticks{1} << 34);
    sys::Ticks to = now_ + std::min(span, (sys::Ticks{1} << 62) - now_);
    const sys::Ticks next = wheel_.NextDue();
    if (random_() % 3 == 0 && next < (sys::Ticks{1} << 62)) to = std::max(now_, next);
    now_ = to;
    while (LiveTask* const task = wheel_.PopDue(now_)) {
      ASSERT_LE(task->timer_due, now_) << "fired early";
      Forget(task->slot);
    }
    if (oracle_.empty()) return;
    ASSERT_GT(oracle_.begin()->first, now_) << "not fired though due";
  }

  std::mt19937_64 random_;
  sys::Ticks now_;
  std::vector<LiveTask> tasks_;
  TimerWheel wheel_;
  std::multimap<sys::Ticks, uint32_t> oracle_;  // When it fires, slot.
};

TEST(TimerWheel, DoesWhatAMultimapDoes) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(testing::Message() << "WEFT_TEST_SEED=" << seed);
  const sys::Ticks starts[] = {0, (sys::Ticks{1} << 48) - 3 * kUnit, (sys::Ticks{1} << 48) * 5 - 1,
                               (sys::Ticks{1} << 60) - 77};
  for (uint64_t round = 0; round < 12; ++round) {
    WheelRun run(seed + round, starts[round % 4]);
    for (int step = 0; step < 6000; ++step) {
      ASSERT_NO_FATAL_FAILURE(run.Step()) << "round " << round << " step " << step;
    }
  }
}

// What a core does: sleep until NextDue, pop, sleep. It must not take more rounds than the wheel
// has levels for one timer, however far it is.
TEST(TimerWheel, ADistantTimerCostsFewWakeUps) {
  auto tasks = MakeTasks(1);
  TimerWheel wheel(tasks, 987'654'321);
  const sys::Ticks due = 987'654'321 + sys::Ticks{7} * 86'400 * 2'300'000'000;
  wheel.Arm(&tasks[0], due);
  sys::Ticks now = 0;
  int wakes = 0;
  do {
    now = wheel.NextDue();
    ASSERT_LE(now, FiresAt(due));
    ++wakes;
  } while (wheel.PopDue(now) == nullptr);
  EXPECT_EQ(now, FiresAt(due));
  EXPECT_LE(wakes, TimerWheel::kLevels);
}

}  // namespace
}  // namespace weft
