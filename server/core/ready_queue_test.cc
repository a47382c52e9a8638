// Proves the order in which a core gives out its ready tasks: strict levels, the share for age
// against the bound that ready_queue.h states, removal, setting aside, holding; and all of it
// together against a plain oracle, over random loads that print their seed.
#include "core/ready_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <optional>
#include <random>
#include <unordered_map>
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

  // That of no handler stands for one that was resumed: it is neither held nor set aside.
  const TaskEntry* EntryOf(uint64_t random) const {
    const size_t which = random % (handlers_.size() + 1);
    return which < handlers_.size() ? &handlers_[which] : nullptr;
  }
  static bool MustBeHeld(const LiveTask& task) {
    return task.entry != nullptr && task.entry->paused.is_set();
  }

  std::deque<LiveTask> tasks_;
  std::array<TaskEntry, 3> handlers_;
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

TEST_F(ReadyQueueTest, GivesNothingHeldUntilItsHandlerIsReleased) {
  ReadyQueue queue(kNever);
  LiveTask* const task = Pushed(&queue, Priority::kHigh);
  task->entry = &handlers_[0];
  queue.Hold(queue.Pop(0, true));
  EXPECT_EQ(task->place, TaskPlace::kHeld);
  EXPECT_FALSE(queue.CanPop(true));
  EXPECT_EQ(queue.Pop(0, true), nullptr);
  queue.Release(&handlers_[1]);
  EXPECT_EQ(queue.held(), 1U);
  queue.Release(&handlers_[0]);
  EXPECT_EQ(queue.held(), 0U);
  EXPECT_EQ(queue.PopPlain(), task);
}

// A task set aside is popped, and so held, later than a younger one that was popped while no stack
// was spare.
TEST_F(ReadyQueueTest, ReleasesByAgeWhateverTheOrderInWhichItHeld) {
  ReadyQueue queue(kNever);
  LiveTask* const older = Pushed(&queue, Priority::kNormal, 1);
  LiveTask* const younger = Pushed(&queue, Priority::kNormal, 2);
  older->entry = younger->entry = &handlers_[0];
  queue.SetAside(queue.Pop(2, false));
  for (LiveTask* const expected : {younger, older}) {
    LiveTask* const task = queue.Pop(2, expected == older);
    ASSERT_EQ(task, expected);
    queue.Hold(task);
  }
  LiveTask* const youngest = Pushed(&queue, Priority::kNormal, 3);
  queue.Release(&handlers_[0]);
  for (LiveTask* const expected : {older, younger, youngest}) {
    EXPECT_EQ(queue.Pop(3, true), expected);
  }
}

// While the core turns, a task beside which m - 1 tasks of lower levels became ready before it or
// at the same time waits at most age_limit and kAgedShare * m dispatches; aged tasks get at most
// one of kAgedShare. Of those m only the ones count here that are given after it has aged; what was
// held and released counts again when it is given again.
class AgePromise : public ReadyQueueTest {
 protected:
  struct Waiting {
    sys::Ticks since;
    uint64_t aged_dispatch = 0;  // Dispatches made when its age reached the limit; 0: not yet.
    uint64_t given = 0;          // From then on, of lower levels' tasks that are no younger.
    bool is_held = false;
  };

  void Begin(sys::Ticks age_limit) {
    age_limit_ = age_limit;
    queue_.emplace(age_limit);
    waiting_.clear();
    dispatch_ = last_aged_ = 0;
    first_ = tasks_.size();
    for (TaskEntry& handler : handlers_) handler.paused.Set(false);
  }

  void Push(Priority priority, sys::Ticks now, const TaskEntry* entry) {
    Pushed(&*queue_, priority, now)->entry = entry;
    waiting_.push_back(Waiting{now});
  }

  void Release(const TaskEntry* entry) {
    queue_->Release(entry);
    for (size_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i] && tasks_[first_ + i].entry == entry) waiting_[i]->is_held = false;
    }
  }

  void NoteAged(sys::Ticks now) {
    for (auto& entry : waiting_) {
      if (!entry || entry->is_held || entry->aged_dispatch != 0) continue;
      if (now - entry->since >= age_limit_) entry->aged_dispatch = dispatch_ + 1;
    }
  }

  size_t BestLevel() const {
    size_t best = kPriorityCount;
    for (size_t i = 0; i < waiting_.size(); ++i) {
      if (!waiting_[i] || waiting_[i]->is_held) continue;
      best = std::min(best, static_cast<size_t>(tasks_[first_ + i].priority));
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
    ASSERT_FALSE(entry->is_held) << "given while it was held";
    if (static_cast<size_t>(task->priority) != best) {
      ASSERT_GE(now - entry->since, age_limit_) << "overtook the strict order without age";
      ASSERT_TRUE(last_aged_ == 0 || dispatch_ - last_aged_ >= ReadyQueue::kAgedShare);
      last_aged_ = dispatch_;
    }
    if (task->priority != Priority::kHigh) NoteGivenOfLower(entry->since);
    if (task->priority != Priority::kHigh && entry->aged_dispatch != 0) {
      ASSERT_LE(dispatch_ - entry->aged_dispatch + 1, ReadyQueue::kAgedShare * entry->given)
          << "at " << now << ", ready since " << entry->since;
    }
    if (MustBeHeld(*task)) {
      queue_->Hold(task);
      entry = Waiting{.since = entry->since, .is_held = true};
    } else {
      entry.reset();
    }
  }

  void NoteGivenOfLower(sys::Ticks since) {
    for (auto& entry : waiting_) {
      if (entry && entry->aged_dispatch != 0 && since <= entry->since) ++entry->given;
    }
  }

  sys::Ticks age_limit_ = 0;
  std::optional<ReadyQueue> queue_;
  std::vector<std::optional<Waiting>> waiting_;
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
    const bool pauses = round % 2 != 0;
    const uint64_t push_tenths = 6 + random() % 10;  // From starving to flooded.
    uint64_t tenths = 0;
    for (sys::Ticks now = 0; now < 1000 && !HasFatalFailure(); ++now) {
      for (tenths += random() % (2 * push_tenths + 1); tenths >= 10; tenths -= 10) {
        const auto priority = static_cast<Priority>(random() % 8 < 6 ? 0 : 1 + random() % 2);
        Push(priority, now, EntryOf(random()));
      }
      if (pauses && random() % 16 == 0) {
        const TaskEntry& handler = handlers_[random() % handlers_.size()];
        handler.paused.Set(!handler.paused.is_set());
        if (!handler.paused.is_set()) Release(&handler);
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
  explicit Oracle(sys::Ticks age_limit) : age_limit_(age_limit) {}

  void Push(LiveTask* task) {
    since_[task] = task->ready_since;
    LevelOf(task).push_back({task, false});
  }
  void SetAside(LiveTask* task) {
    auto& level = LevelOf(task);
    level.insert(std::find_if(level.begin(), level.end(), IsReady), {task, true});
  }
  void Hold(LiveTask* task) { held_.push_back(task); }
  void Release(const TaskEntry* entry) {
    for (LiveTask* const task : held_) {
      if (task->entry != entry) continue;
      auto& level = LevelOf(task);
      const auto is_younger = [this, task](const Entry& other) {
        return IsReady(other) && Since(other.task) > Since(task);
      };
      level.insert(std::find_if(level.begin(), level.end(), is_younger), {task, false});
    }
    std::erase_if(held_, [entry](const LiveTask* task) { return task->entry == entry; });
  }
  void Remove(LiveTask* task) {
    std::erase_if(LevelOf(task), [task](const Entry& entry) { return entry.task == task; });
    std::erase(held_, task);
  }

  LiveTask* Pop(sys::Ticks now, bool stack_spare) {
    LiveTask* best = nullptr;
    LiveTask* aged = nullptr;
    for (auto& level : levels_) {
      const auto at = std::find_if(level.begin(), level.end(),
                                   [&](const Entry& entry) { return stack_spare || !entry.aside; });
      if (at == level.end()) continue;
      const sys::Ticks since = Since(at->task);
      if (best == nullptr) {
        best = at->task;
      } else if (since <= now - age_limit_ &&
                 (best->priority == Priority::kHigh || since <= Since(best)) &&
                 (aged == nullptr || since <= Since(aged))) {
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

  // Whether no more than one look is needed to tell what goes first.
  bool IsPlain() const {
    const auto levels = std::count_if(levels_.begin(), levels_.end(),
                                      [](const Level& level) { return !level.empty(); });
    const bool has_aside = std::any_of(levels_.begin(), levels_.end(), [](const Level& level) {
      return !level.empty() && level.front().aside;
    });
    return !has_aside && (levels == 1 || (levels > 1 && since_aged_ + 1 < ReadyQueue::kAgedShare));
  }

  size_t held() const { return held_.size(); }
  size_t size() const {
    return levels_[0].size() + levels_[1].size() + levels_[2].size() + held_.size();
  }

 private:
  struct Entry {
    LiveTask* task;
    bool aside;
  };
  using Level = std::vector<Entry>;

  static bool IsReady(const Entry& entry) { return !entry.aside; }
  sys::Ticks Since(const LiveTask* task) const { return since_.at(task); }
  Level& LevelOf(const LiveTask* task) { return levels_[static_cast<size_t>(task->priority)]; }

  const sys::Ticks age_limit_;
  uint32_t since_aged_ = 0;
  std::array<Level, kPriorityCount> levels_;
  std::unordered_map<const LiveTask*, sys::Ticks> since_;  // As pushed.
  std::vector<LiveTask*> held_;                            // In the order in which they were held.
};

class AgainstOracle : public ReadyQueueTest {
 protected:
  void Begin(sys::Ticks age_limit) {
    queue_.emplace(age_limit);
    oracle_.emplace(age_limit);
    linked_.clear();
    for (TaskEntry& handler : handlers_) handler.paused.Set(false);
  }

  // Most are told of as they are submitted, some a little later.
  void PushOne(sys::Ticks now) {
    const sys::Ticks since = now - static_cast<sys::Ticks>(random_() % 4 == 0 ? random_() % 8 : 0);
    LiveTask* const task = Make(static_cast<Priority>(random_() % kPriorityCount), since);
    task->entry = EntryOf(random_());
    queue_->Push(task);
    oracle_->Push(task);
    linked_.push_back(task);
  }

  void RemoveOne() {
    LiveTask* const task = linked_[random_() % linked_.size()];
    queue_->Remove(task);
    oracle_->Remove(task);
    std::erase(linked_, task);
  }

  // The release is a message and may come late, when the handler is paused again.
  void SteerOne() {
    const TaskEntry& handler = handlers_[random_() % handlers_.size()];
    if (random_() % 2 == 0) {
      handler.paused.Set(!handler.paused.is_set());
    } else {
      queue_->Release(&handler);
      oracle_->Release(&handler);
    }
  }

  void PopOne(sys::Ticks now) {
    const bool stack_spare = random_() % 3 != 0;
    LiveTask* task = nullptr;
    if (random_() % 2 == 0) {
      task = queue_->PopPlain();
      ASSERT_EQ(task != nullptr, oracle_->IsPlain());
    }
    if (task == nullptr) task = queue_->Pop(now, stack_spare);
    ASSERT_EQ(task, oracle_->Pop(now, stack_spare));
    if (task != nullptr) PutSomewhere(task, stack_spare);
  }

  void PutSomewhere(LiveTask* task, bool stack_spare) {
    if (MustBeHeld(*task)) {
      queue_->Hold(task);
      oracle_->Hold(task);
    } else if (!stack_spare && task->entry != nullptr && random_() % 2 == 0) {
      queue_->SetAside(task);
      oracle_->SetAside(task);
    } else {
      std::erase(linked_, task);
    }
  }

  void DoOne(sys::Ticks now) {
    const uint64_t choice = random_() % 40;
    if (choice < 20) {
      PushOne(now);
    } else if (choice < 23 && !linked_.empty()) {
      RemoveOne();
    } else if (choice < 24) {
      SteerOne();
    } else {
      PopOne(now);
    }
  }

  std::optional<ReadyQueue> queue_;
  std::optional<Oracle> oracle_;
  std::vector<LiveTask*> linked_;
  std::mt19937_64 random_;
};

TEST_F(AgainstOracle, DoesWhatItDoes) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(testing::Message() << "WEFT_TEST_SEED=" << seed);
  random_.seed(seed);
  for (int round = 0; round < 20 && !HasFatalFailure(); ++round) {
    Begin(static_cast<sys::Ticks>(random_() % 200));
    sys::Ticks now = 0;
    for (int step = 0; step < 3000 && !HasFatalFailure(); ++step) {
      now += static_cast<sys::Ticks>(random_() % 3);
      DoOne(now);
      ASSERT_EQ(queue_->CountLinked(), oracle_->size()) << "step " << step;
      ASSERT_EQ(queue_->held(), oracle_->held()) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace weft
