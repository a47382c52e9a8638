// Proves which runner is next, how many have memory, and that one whose memory was given back
// begins a new life on its stack.
#include "core/runner_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace weft {
namespace {

class RunnerPoolTest : public testing::Test {
 protected:
  void Build(uint32_t stacks, uint32_t kept) {
    CoreOptions options;
    options.stacks = stacks;
    options.stacks_kept = kept;
    options.stack_bytes = 16 * 1024;
    ASSERT_TRUE(pool_.Prepare(options, &Main, this).ok());
  }

  // The life of a runner here: counts, and goes back.
  static void Main(void* argument) {
    auto* const runner = static_cast<Runner*>(argument);
    auto* const test = static_cast<RunnerPoolTest*>(runner->core);
    for (int runs = 1;; ++runs) {
      test->runs_ = runs;
      runner->fiber->SwitchTo(test->thread_);
    }
  }
  // How often this runner has run, in this life of its.
  int Run(Runner* runner) {
    thread_.SwitchTo(*runner->fiber);
    return runs_;
  }

  std::vector<Runner*> TakeAll() {
    std::vector<Runner*> all;
    while (!pool_.empty()) all.push_back(pool_.Take());
    return all;
  }
  int64_t committed() const { return stats_.stacks_committed.value(); }
  int64_t in_use() const { return stats_.stacks_in_use.value(); }

  CoreStats stats_{1};
  Fiber thread_;
  int runs_ = 0;
  RunnerPool pool_{stats_};
};

TEST_F(RunnerPoolTest, HandsOutEachRunnerOnce) {
  Build(5, 2);
  const std::vector<Runner*> all = TakeAll();
  EXPECT_EQ(std::set<Runner*>(all.begin(), all.end()).size(), 5u);
  for (Runner* runner : all) EXPECT_EQ(Run(runner), 1);
  EXPECT_EQ(in_use(), 5);
  pool_.Put(all[3]);
  EXPECT_FALSE(pool_.empty());
  EXPECT_EQ(pool_.Take(), all[3]);
  EXPECT_EQ(Run(all[3]), 2) << "its life goes on";
  EXPECT_TRUE(pool_.empty());
}

TEST_F(RunnerPoolTest, TakesTheOneUsedLastFirst) {
  Build(3, 3);
  Runner* const first = pool_.Take();
  Runner* const second = pool_.Take();
  pool_.Put(second);
  pool_.Put(first);
  EXPECT_EQ(pool_.Take(), first);
  EXPECT_EQ(pool_.Take(), second);
}

TEST_F(RunnerPoolTest, CommitsAsManyAsAreUsedAtOnce) {
  Build(100, 2);
  EXPECT_EQ(committed(), 2);
  for (int round = 0; round < 10; ++round) pool_.Put(pool_.Take());
  EXPECT_EQ(committed(), 2);
  for (int i = 0; i < 5; ++i) pool_.Take();
  EXPECT_EQ(committed(), 6) << "one is ready for the next";
}

TEST_F(RunnerPoolTest, CommitsNoMoreThanThereAre) {
  Build(3, 256);
  EXPECT_EQ(committed(), 3);
  TakeAll();
  EXPECT_EQ(committed(), 3);
}

TEST_F(RunnerPoolTest, GivesBackWhatABurstHasLeft) {
  Build(100, 10);
  std::vector<Runner*> all = TakeAll();
  for (Runner* runner : all) EXPECT_EQ(Run(runner), 1);
  EXPECT_EQ(committed(), 100);
  EXPECT_FALSE(pool_.Trim()) << "all are in use";
  for (Runner* runner : all) pool_.Put(runner);
  int passes = 0;
  while (pool_.Trim()) ++passes;
  EXPECT_GT(passes, 1) << "a few at a time";
  EXPECT_EQ(committed(), 10);
  // The ten used last are kept and come first; the others begin anew.
  std::reverse(all.begin(), all.end());
  for (int i = 0; i < 10; ++i) {
    Runner* const runner = pool_.Take();
    EXPECT_EQ(runner, all[static_cast<size_t>(i)]);
    EXPECT_EQ(Run(runner), 2);
  }
  const std::vector<Runner*> rest = TakeAll();
  EXPECT_EQ(rest.size(), 90u);
  for (Runner* runner : rest) EXPECT_EQ(Run(runner), 1);
}

TEST_F(RunnerPoolTest, KeepsWhatIsWithinTheWatermark) {
  Build(20, 10);
  std::vector<Runner*> some;
  for (int i = 0; i < 9; ++i) some.push_back(pool_.Take());
  for (Runner* runner : some) pool_.Put(runner);
  EXPECT_FALSE(pool_.Trim());
  EXPECT_EQ(committed(), 10);
}

TEST_F(RunnerPoolTest, GivesNothingBackThatIsLocked) {
  Build(20, 2);
  sys::LockedMemory tally;
  pool_.Lock(&tally);
  EXPECT_GE(tally.wanted, 2 * (16 * 1024 + sys::PageBytes()));
  for (Runner* runner : TakeAll()) pool_.Put(runner);
  EXPECT_FALSE(pool_.Trim());
  EXPECT_EQ(committed(), 20);
}

TEST_F(RunnerPoolTest, RefusesStacksThatNoMachineHas) {
  CoreOptions options;
  options.stack_bytes = size_t{1} << 60;
  EXPECT_EQ(pool_.Prepare(options, &Main, this).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace weft
