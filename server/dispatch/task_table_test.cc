#include "dispatch/task_table.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr uint64_t kFirst = 1000;

TaskTable::Options Small() {
  return {.core_index = 3, .slots = 4, .kept = 4, .first_serial = kFirst};
}

TaskId Take(TaskTable& table, uint32_t* slot = nullptr) {
  const TaskTable::Claimed claimed = table.Claim();
  if (slot != nullptr) *slot = claimed.slot;
  return table.task(claimed.slot).id;
}

TEST(TaskTable, GivesEverySlotOnceAndThenIsFull) {
  TaskTable table(Small());
  std::set<uint32_t> slots;
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(table.full());
    slots.insert(table.Claim().slot);
  }
  EXPECT_EQ(slots.size(), 4u);
  EXPECT_TRUE(table.full());
  EXPECT_EQ(table.CountLive(), 4u);
}

TEST(TaskTable, ReusesTheLastReleasedSlotFirst) {
  TaskTable table(Small());
  uint32_t first = 0, second = 0, again = 0;
  Take(table, &first);
  Take(table, &second);
  table.End(first);
  table.Release(first);
  Take(table, &again);
  EXPECT_EQ(again, first);
}

TEST(TaskTable, FindsALiveTaskByItsWholeId) {
  TaskTable table(Small());
  uint32_t slot = 0;
  const TaskId id = Take(table, &slot);
  EXPECT_EQ(id.core_index(), 3u);
  EXPECT_EQ(id.serial(), kFirst);
  EXPECT_EQ(table.Find(id).kind, TaskTable::Kind::kLive);
  EXPECT_EQ(table.Find(id).index, slot);
  EXPECT_EQ(table.SlotOf(table.task(slot)), slot);
}

TEST(TaskTable, FindsNothingForIdsOfAnEarlierBootAndMadeUpOnes) {
  TaskTable table(Small());
  const TaskId id = Take(table);
  // Same entry of the directory, another lap.
  const TaskId earlier = TaskId::Make(3, id.serial() - table.directory_size());
  const TaskId later = TaskId::Make(3, id.serial() + table.directory_size());
  EXPECT_EQ(table.Find(earlier).kind, TaskTable::Kind::kNone);
  EXPECT_EQ(table.Find(later).kind, TaskTable::Kind::kNone);
  EXPECT_EQ(table.Find(TaskId::Make(4, id.serial())).kind, TaskTable::Kind::kNone);
  EXPECT_EQ(table.Find(TaskId()).kind, TaskTable::Kind::kNone);
  EXPECT_EQ(table.Find(TaskId::Make(3, id.serial() + 1)).kind, TaskTable::Kind::kNone);
}

TEST(TaskTable, NeverGivesAnOldIdToTheTaskThatReusedItsEntry) {
  TaskTable table(Small());
  uint32_t slot = 0;
  const TaskId old = Take(table, &slot);
  table.End(slot);
  table.Release(slot);
  EXPECT_EQ(table.Find(old).kind, TaskTable::Kind::kNone);
  for (size_t i = 1; i < table.directory_size(); ++i) {
    Take(table, &slot);
    table.End(slot);
    table.Release(slot);
  }
  const TaskId reused = Take(table);
  EXPECT_EQ(reused.serial(), old.serial() + table.directory_size());
  EXPECT_EQ(table.Find(reused).kind, TaskTable::Kind::kLive);
  EXPECT_EQ(table.Find(old).kind, TaskTable::Kind::kNone);
}

TEST(TaskTable, SkipsTheEntriesOfLiveTasksAndKeptResults) {
  TaskTable table(Small());
  uint32_t kept_slot = 0, slot = 0;
  const TaskId live = Take(table);
  const TaskId kept = Take(table, &kept_slot);
  table.EndKept(kept_slot, 77);
  table.Release(kept_slot);
  for (size_t lap = 0; lap < 3 * table.directory_size(); ++lap) {
    Take(table, &slot);
    table.End(slot);
    table.Release(slot);
  }
  EXPECT_EQ(table.Find(live).kind, TaskTable::Kind::kLive);
  EXPECT_EQ(table.Find(kept).kind, TaskTable::Kind::kKept);
  EXPECT_EQ(table.Find(kept).index, 77u);
}

TEST(TaskTable, DisplacesAKeptResultOnlyWhenTheyTakeMoreThanHalf) {
  TaskTable table(Small());
  const auto kept_bound = static_cast<uint32_t>(table.directory_size() / 2 + 1);
  for (uint32_t record = 0; record < kept_bound; ++record) {
    const TaskTable::Claimed claimed = table.Claim();
    EXPECT_FALSE(claimed.displaced);
    table.EndKept(claimed.slot, record);
    table.Release(claimed.slot);
  }
  uint32_t slot = 0;
  for (size_t i = kept_bound; i < table.directory_size(); ++i) {
    Take(table, &slot);
    table.End(slot);
    table.Release(slot);
  }
  const TaskTable::Claimed claimed = table.Claim();
  EXPECT_TRUE(claimed.displaced);
  EXPECT_EQ(claimed.displaced_record, 0u);
  EXPECT_EQ(table.Find(TaskId::Make(3, kFirst)).kind, TaskTable::Kind::kNone);
}

TEST(TaskTable, ForgetsAKeptResultAndLeavesOthersAlone) {
  TaskTable table(Small());
  uint32_t kept_slot = 0;
  const TaskId kept = Take(table, &kept_slot);
  table.EndKept(kept_slot, 5);
  const TaskId live = Take(table);
  table.Forget(live);
  EXPECT_EQ(table.Find(live).kind, TaskTable::Kind::kLive);
  table.Forget(kept);
  EXPECT_EQ(table.Find(kept).kind, TaskTable::Kind::kNone);
}

TEST(TaskTable, NeverGivesTheIdZero) {
  TaskTable table({.core_index = 0, .slots = 4, .kept = 0, .first_serial = TaskId::kSerialMask});
  EXPECT_EQ(Take(table).serial(), TaskId::kSerialMask);
  EXPECT_EQ(Take(table).serial(), 1u);
}

TEST(TaskTable, CountsTheLiveAsRandomUseGoesOn) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  TaskTable table({.core_index = 0, .slots = 130, .kept = 10, .first_serial = kFirst});
  std::vector<uint32_t> live;
  std::set<uint64_t> given;
  for (int step = 0; step < 20'000; ++step) {
    if (!table.full() && random() % 2 == 0) {
      uint32_t slot = 0;
      EXPECT_TRUE(given.insert(Take(table, &slot).value()).second);
      live.push_back(slot);
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      table.End(live.back());
      table.Release(live.back());
      live.pop_back();
    }
    ASSERT_EQ(table.CountLive(), live.size());
  }
}

}  // namespace
}  // namespace weft
