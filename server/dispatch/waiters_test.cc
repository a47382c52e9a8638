#include "dispatch/waiters.h"

#include <deque>
#include <random>

#include <gtest/gtest.h>

#include "dispatch/task_table.h"

namespace weft {
namespace {

class Receiver final : public ResultReceiver {
 public:
  void OnResult(const TaskResult&, bool) override {}
};

class Canceller final : public CancelReceiver {
 public:
  void OnCancelled(CancelOutcome, TaskState) override {}
};

TEST(WaiterList, GivesEachReceiverOnce) {
  DoorTask task;
  std::deque<Receiver> receivers(3);
  for (auto& receiver : receivers) task.waiters.Push(receiver, task);
  EXPECT_EQ(WaiterList::TaskOf(receivers[0]), &task);
  size_t count = 0;
  while (task.waiters.Pop() != nullptr) ++count;
  EXPECT_EQ(count, 3u);
  EXPECT_TRUE(task.waiters.empty());
  EXPECT_EQ(WaiterList::TaskOf(receivers[0]), nullptr);
}

TEST(WaiterList, KnowsTheOnlyOneThatWaitsWithoutALimit) {
  DoorTask task;
  std::deque<Receiver> receivers(2);
  EXPECT_EQ(task.waiters.only(), nullptr);
  task.waiters.Push(receivers[0], task);
  EXPECT_EQ(task.waiters.only(), &receivers[0]);
  task.waiters.Push(receivers[1], task);
  EXPECT_EQ(task.waiters.only(), nullptr);
  task.waiters.Remove(receivers[0]);
  EXPECT_EQ(task.waiters.only(), &receivers[1]);
  WaitDeadlines deadlines(1);
  deadlines.Add(receivers[1], 10);
  EXPECT_EQ(task.waiters.only(), nullptr);
}

TEST(WaiterList, LetsAnyReceiverGo) {
  for (size_t gone = 0; gone < 3; ++gone) {
    DoorTask task;
    std::deque<Receiver> receivers(3);
    for (auto& receiver : receivers) task.waiters.Push(receiver, task);
    task.waiters.Remove(receivers[gone]);
    size_t count = 0;
    while (ResultReceiver* receiver = task.waiters.Pop()) {
      EXPECT_NE(receiver, &receivers[gone]);
      ++count;
    }
    EXPECT_EQ(count, 2u);
  }
}

TEST(CancelList, LetsAnyReceiverGo) {
  for (size_t gone = 0; gone < 3; ++gone) {
    DoorTask task;
    std::deque<Canceller> receivers(3);
    for (auto& receiver : receivers) task.cancels.Push(receiver, task);
    task.cancels.Remove(receivers[gone]);
    EXPECT_EQ(CancelList::TaskOf(receivers[gone]), nullptr);
    size_t count = 0;
    while (CancelReceiver* receiver = task.cancels.Pop()) {
      EXPECT_NE(receiver, &receivers[gone]);
      ++count;
    }
    EXPECT_EQ(count, 2u);
  }
}

TEST(WaitDeadlines, GivesTheElapsedInOrderAndNoOther) {
  WaitDeadlines deadlines(3);
  std::deque<Receiver> receivers(3);
  deadlines.Add(receivers[0], 30);
  deadlines.Add(receivers[1], 10);
  deadlines.Add(receivers[2], 20);
  EXPECT_TRUE(deadlines.full());
  EXPECT_EQ(deadlines.next(), 10);
  EXPECT_EQ(deadlines.TakeElapsed(9), nullptr);
  EXPECT_EQ(deadlines.TakeElapsed(20), &receivers[1]);
  EXPECT_EQ(deadlines.TakeElapsed(20), &receivers[2]);
  EXPECT_EQ(deadlines.TakeElapsed(20), nullptr);
  EXPECT_EQ(deadlines.next(), 30);
}

TEST(WaitDeadlines, ForgetsWhoLeft) {
  WaitDeadlines deadlines(2);
  std::deque<Receiver> receivers(2);
  EXPECT_FALSE(deadlines.Remove(receivers[0]));
  deadlines.Add(receivers[0], 1);
  EXPECT_TRUE(deadlines.Remove(receivers[0]));
  EXPECT_FALSE(deadlines.Remove(receivers[0]));
  EXPECT_EQ(deadlines.TakeElapsed(100), nullptr);
  EXPECT_EQ(deadlines.next(), sys::kTicksForever);
}

TEST(WaitDeadlines, StaysOrderedUnderRandomUse) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::deque<Receiver> receivers(200);
  WaitDeadlines deadlines(200);
  for (int round = 0; round < 20; ++round) {
    for (auto& receiver : receivers) deadlines.Add(receiver, static_cast<int>(random() % 1000));
    size_t left = receivers.size();
    for (auto& receiver : receivers) {
      if (random() % 2 == 0 && deadlines.Remove(receiver)) --left;
    }
    sys::Ticks last = 0;
    while (deadlines.size() > 0) {
      const sys::Ticks next = deadlines.next();
      EXPECT_GE(next, last);
      last = next;
      ASSERT_NE(deadlines.TakeElapsed(next), nullptr);
      --left;
    }
    EXPECT_EQ(left, 0u);
  }
}

}  // namespace
}  // namespace weft
