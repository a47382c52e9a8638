// Proves the order in which a core gives out its ready tasks: strict levels, the share for age
// against the bound that ready_queue.h states, removal, setting aside; and all of it together
// against a plain oracle, over random loads that print their seed.
#include "core/ready_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <optional>
#include <random>
#include <vector>

namespace weft {
namespace {

constexpr sys::Ticks kNever = INT64_MAX / 2;

uint64_t Seed() {
  const char* const given = std::getenv("WEFT_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

class ReadyQueueTest : public testing::Test {
 protected:
  LiveTask* Make(Priority priority, sys::Ticks ready_since = 0) {
    LiveTask& task = tasks_.emplace_back();
    task.slot = static_cast<uint32_t>(tasks_.size() - 1);
    task.priority = priority;
    task.ready_since = ready_since;
    return &task;
  }
  LiveTask* Pushed(ReadyQueue* queue, Priority priority, sys::Ticks ready_since = 0) {
    LiveTask* const task = Make(priority, ready_since);
    queue->Push(task);
    return task;
  }

  std::deque<LiveTask> tasks_;
};

TEST_F(ReadyQueueTest, GivesTheOldestOfTheHighestLevel) {
  ReadyQueue queue(kNever);
  LiveTask* const low = Pushed(&queue, Priority::kLow);
  LiveTask* const normal = Pushed(&queue, Priority::kNormal);
  LiveTask* const high_1 = Pushed(&queue, Priority::kHigh);
  LiveTask* const high_2 = Pushed(&queue, Priority::kHigh);
  for (LiveTask* const expected : {high_1, high_2, normal, low}) {
    EXPECT_EQ(queue.Pop(0, true), expected);
  }
  EXPECT_EQ(queue.Pop(0, true), nullptr);
}

TEST_F(ReadyQueueTest, WithoutAgeALowTaskWaitsForEveryHigherOne) {
  ReadyQueue queue(kNever);
  LiveTask* const low = Pushed(&queue, Priority::kLow);
  for (int i = 0; i < 1000; ++i) {
    Pushed(&queue, Priority::kHigh);
    ASSERT_NE(queue.Pop(1000, true), low);
  }
  EXPECT_EQ(queue.Pop(1000, true), low);
}

TEST_F(ReadyQueueTest, GivesAgedTasksEverySixteenthDispatchAndNoMore) {
  ReadyQueue queue(100);
  for (int i = 0; i < 64; ++i) Pushed(&queue, Priority::kHigh, 50);
  for (int i = 0; i < 64; ++i) Pushed(&queue, Priority::kLow, 0);
  for (uint32_t dispatch = 1; dispatch <= 48; ++dispatch) {
    const Priority expected =
        dispatch % ReadyQueue::kAgedShare == 0 ? Priority::kLow : Priority::kHigh;
    ASSERT_EQ(queue.Pop(100, true)->priority, expected) << "dispatch " << dispatch;
  }
}

TEST_F(ReadyQueueTest, AgesAtTheLimitAndNotBefore) {
  ReadyQueue queue(100);
  for (int i = 0; i < 64; ++i) Pushed(&queue, Priority::kHigh, 7);
  LiveTask* const low = Pushed(&queue, Priority::kLow, 7);
  for (int i = 0; i < 40; ++i) ASSERT_NE(queue.Pop(106, true), low);
  EXPECT_EQ(queue.Pop(107, true), low);
}

TEST_F(ReadyQueueTest, AgesByTheLimitThatHoldsNow) {
  ReadyQueue queue(kNever);
  for (int i = 0; i < 64; ++i) Pushed(&queue, Priority::kHigh, 7);
  LiveTask* const low = Pushed(&queue, Priority::kLow, 7);
  for (int i = 0; i < 40; ++i) ASSERT_NE(queue.Pop(107, true), low);
  queue.set_age_limit(100);
  EXPECT_EQ(queue.Pop(107, true), low);
}

TEST_F(ReadyQueueTest, OfTwoAgedLevelsTheOlderHeadGoesFirst) {
  ReadyQueue queue(10);
  for (int i = 0; i < 64; ++i) Pushed(&queue, Priority::kHigh, 1000);
  LiveTask* const normal = Pushed(&queue, Priority::kNormal, 5);
  LiveTask* const low = Pushed(&queue, Priority::kLow, 4);
  std::vector<LiveTask*> aged;
  for (int i = 0; i < 32; ++i) {
    LiveTask* const task = queue.Pop(1000, true);
    if (task->priority != Priority::kHigh) aged.push_back(task);
  }
  EXPECT_EQ(aged, (std::vector<LiveTask*>{low, normal}));
}

TEST_F(ReadyQueueTest, RemovesFromAnywhere) {
  for (size_t removed = 0; removed < 3; ++removed) {
    ReadyQueue queue(kNever);
    std::vector<LiveTask*> left;
    for (int i = 0; i < 3; ++i) left.push_back(Pushed(&queue, Priority::kNormal));
    queue.Remove(left[removed]);
    left.erase(left.begin() + static_cast<ptrdiff_t>(removed));
    EXPECT_EQ(queue.CountLinked(), 2U);
    for (LiveTask* const expected : left) EXPECT_EQ(queue.Pop(0, true), expected);
    EXPECT_FALSE(queue.CanPop(true));
  }
}

TEST_F(ReadyQueueTest, ATaskSetAsideKeepsItsPlaceAndWaitsForAStack) {
  ReadyQueue queue(kNever);
  std::vector<LiveTask*> order;
  for (int i = 0; i < 4; ++i) order.push_back(Pushed(&queue, Priority::kNormal));
  for (int i = 0; i < 2; ++i) {
    LiveTask* const task = queue.Pop(0, false);
    ASSERT_EQ(task, order[static_cast<size_t>(i)]);
    queue.SetAside(task);
    EXPECT_EQ(task->place, TaskPlace::kStackWait);
  }
  EXPECT_EQ(queue.CountLinked(), 4U);
  EXPECT_EQ(queue.Pop(0, false), order[2]) << "those set aside are passed over";
  for (const size_t expected : {0U, 1U, 3U}) EXPECT_EQ(queue.Pop(0, true), order[expected]);
}

TEST_F(ReadyQueueTest, WithOnlyTasksSetAsideThereIsNothingWithoutAStack) {
  ReadyQueue queue(kNever);
  LiveTask* const task = Pushed(&queue, Priority::kHigh);
  queue.SetAside(queue.Pop(0, false));
  EXPECT_FALSE(queue.CanPop(false));
  EXPECT_EQ(queue.Pop(0, false), nullptr);
  EXPECT_TRUE(queue.CanPop(true));
  queue.Remove(task);
  EXPECT_FALSE(queue.CanPop(true));
}

// While the core turns, a task that became ready when m - 1 tasks of lower levels were, or became
// so at the same time, waits at most age_limit and kAgedShare * m dispatches; aged tasks get at
// most one of kAgedShare.
class AgePromise : public ReadyQueueTest {
 protected:
  struct Waiting {
    sys::Ticks since;
    uint64_t ahead;              // m: itself and the lower-level tasks ready no later.
    uint64_t aged_dispatch = 0;  // Dispatches made when its age reached the limit; 0: not yet.
  };

  void Begin(sys::Ticks age_limit) {
    age_limit_ = age_limit;
    queue_.emplace(age_limit);
    waiting_.clear();
    lower_ = dispatch_ = last_aged_ = 0;
    first_ = tasks_.size();
  }

  void Push(Priority priority, sys::Ticks now) {
    Pushed(&*queue_, priority, now);
    if (priority != Priority::kHigh) {
      ++lower_;
      for (auto& entry : waiting_) {
        if (entry && entry->since == now) ++entry->ahead;
      }
    }
    waiting_.push_back(Waiting{now, lower_});
  }

  void NoteAged(sys::Ticks now) {
    for (auto& entry : waiting_) {
      if (entry && entry->aged_dispatch == 0 && now - entry->since >= age_limit_) {
        entry->aged_dispatch = dispatch_ + 1;
      }
    }
  }

  size_t BestLevel() const {
    size_t best = kPriorityCount;
    for (size_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i]) best = std::min(best, static_cast<size_t>(tasks_[first_ + i].priority));
    }
    return best;
  }

  void PopAndCheck(sys::Ticks now) {
    const size_t best = BestLevel();
    LiveTask* const task = queue_->Pop(now, true);
    ASSERT_EQ(task == nullptr, best == kPriorityCount);
    if (task == nullptr) return;
    ++dispatch_;
    auto& entry = waiting_[task->slot - first_];
    ASSERT_TRUE(entry.has_value()) << "given twice";
    if (task->priority != Priority::kHigh) --lower_;
    if (static_cast<size_t>(task->priority) != best) {
      ASSERT_GE(now - entry->since, age_limit_) << "overtook the strict order without age";
      ASSERT_TRUE(last_aged_ == 0 || dispatch_ - last_aged_ >= ReadyQueue::kAgedShare);
      last_aged_ = dispatch_;
    }
    if (task->priority != Priority::kHigh && entry->aged_dispatch != 0) {
      ASSERT_LE(dispatch_ - entry->aged_dispatch + 1, ReadyQueue::kAgedShare * entry->ahead)
          << "at " << now << ", ready since " << entry->since;
    }
    entry.reset();
  }

  sys::Ticks age_limit_ = 0;
  std::optional<ReadyQueue> queue_;
  std::vector<std::optional<Waiting>> waiting_;
  uint64_t lower_ = 0;
  uint64_t dispatch_ = 0;
  uint64_t last_aged_ = 0;
  size_t first_ = 0;
};

TEST_F(AgePromise, IsKeptUnderRandomLoads) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(testing::Message() << "WEFT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 40 && !HasFatalFailure(); ++round) {
    Begin(static_cast<sys::Ticks>(1 + random() % 200));
    const uint64_t push_tenths = 6 + random() % 10;  // From starving to flooded.
    uint64_t tenths = 0;
    for (sys::Ticks now = 0; now < 1000 && !HasFatalFailure(); ++now) {
      for (tenths += random() % (2 * push_tenths + 1); tenths >= 10; tenths -= 10) {
        Push(static_cast<Priority>(random() % 8 < 6 ? 0 : 1 + random() % 2), now);
      }
      NoteAged(now);
      PopAndCheck(now);
    }
  }
}

TEST_F(AgePromise, HoldsBehindABacklogOfOlderHigherTasks) {
  ReadyQueue queue(10);
  for (int i = 0; i < 1000; ++i) Pushed(&queue, Priority::kHigh, 0);
  LiveTask* const low = Pushed(&queue, Priority::kLow, 1);
  uint32_t dispatches = 0;
  for (sys::Ticks now = 11; queue.Pop(now, true) != low; ++now) {
    ASSERT_LT(++dispatches, ReadyQueue::kAgedShare);
  }
}

TEST_F(AgePromise, OfTwoLowerLevelsTheOlderTaskGoesFirst) {
  ReadyQueue queue(10);
  for (uint32_t i = 1; i < ReadyQueue::kAgedShare; ++i) {
    Pushed(&queue, Priority::kHigh, 0);
    queue.Pop(0, true);
  }
  LiveTask* const normal = Pushed(&queue, Priority::kNormal, 1);
  LiveTask* const low = Pushed(&queue, Priority::kLow, 2);
  EXPECT_EQ(queue.Pop(100, true), normal);
  EXPECT_EQ(queue.Pop(100, true), low);
}

// The same order, written without bits and links.
class Oracle {
 public:
  struct Entry {
    LiveTask* task;
    bool aside;
  };
  explicit Oracle(sys::Ticks age_limit) : age_limit_(age_limit) {}

  void Push(LiveTask* task) { LevelOf(task).push_back({task, false}); }
  void SetAside(LiveTask* task) {
    auto& level = LevelOf(task);
    auto at = level.begin();
    while (at != level.end() && at->aside) ++at;
    level.insert(at, {task, true});
  }
  void Remove(LiveTask* task) {
    std::erase_if(LevelOf(task), [task](const Entry& entry) { return entry.task == task; });
  }

  LiveTask* Pop(sys::Ticks now, bool stack_spare) {
    LiveTask* best = nullptr;
    LiveTask* aged = nullptr;
    for (auto& level : levels_) {
      const auto at = std::find_if(level.begin(), level.end(),
                                   [&](const Entry& entry) { return stack_spare || !entry.aside; });
      if (at == level.end()) continue;
      if (best == nullptr) {
        best = at->task;
      } else if (at->task->ready_since <= now - age_limit_ &&
                 (best->priority == Priority::kHigh ||
                  at->task->ready_since <= best->ready_since) &&
                 (aged == nullptr || at->task->ready_since <= aged->ready_since)) {
        aged = at->task;
      }
    }
    if (best == nullptr) return nullptr;
    ++since_aged_;
    if (aged != nullptr && since_aged_ >= ReadyQueue::kAgedShare) {
      since_aged_ = 0;
      best = aged;
    }
    Remove(best);
    return best;
  }

  size_t size() const { return levels_[0].size() + levels_[1].size() + levels_[2].size(); }

 private:
  std::vector<Entry>& LevelOf(const LiveTask* task) {
    return levels_[static_cast<size_t>(task->priority)];
  }

  const sys::Ticks age_limit_;
  uint32_t since_aged_ = 0;
  std::array<std::vector<Entry>, kPriorityCount> levels_;
};

class AgainstOracle : public ReadyQueueTest {
 protected:
  void Begin(sys::Ticks age_limit) {
    queue_.emplace(age_limit);
    oracle_.emplace(age_limit);
    linked_.clear();
  }

  void RemoveOne(uint64_t which) {
    LiveTask* const task = linked_[which % linked_.size()];
    queue_->Remove(task);
    oracle_->Remove(task);
    std::erase(linked_, task);
  }

  void PopOne(sys::Ticks now, bool stack_spare, bool set_aside) {
    LiveTask* const task = queue_->Pop(now, stack_spare);
    ASSERT_EQ(task, oracle_->Pop(now, stack_spare));
    if (task != nullptr && !stack_spare && set_aside) {
      queue_->SetAside(task);
      oracle_->SetAside(task);
    } else {
      std::erase(linked_, task);
    }
  }

  std::optional<ReadyQueue> queue_;
  std::optional<Oracle> oracle_;
  std::vector<LiveTask*> linked_;
};

TEST_F(AgainstOracle, DoesWhatItDoes) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(testing::Message() << "WEFT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20 && !HasFatalFailure(); ++round) {
    Begin(static_cast<sys::Ticks>(random() % 200));
    sys::Ticks now = 0;
    for (int step = 0; step < 3000 && !HasFatalFailure(); ++step) {
      now += static_cast<sys::Ticks>(random() % 3);
      const uint64_t choice = random() % 20;
      if (choice < 10) {
        const auto priority = static_cast<Priority>(random() % kPriorityCount);
        linked_.push_back(Pushed(&*queue_, priority, now));
        oracle_->Push(linked_.back());
      } else if (choice < 12 && !linked_.empty()) {
        RemoveOne(random());
      } else {
        PopOne(now, random() % 3 != 0, random() % 2 == 0);
      }
      ASSERT_EQ(queue_->CountLinked(), oracle_->size()) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace weft
