#include "dispatch/router.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr uint32_t kDepth = 4;
constexpr sys::Ticks kNow = 1'000;

CoreLoad Queued(Priority priority, uint64_t count) {
  CoreLoad load;
  load.admitted[static_cast<size_t>(priority)] = count;
  return load;
}

TEST(AffinityCore, IsTheSameForTheSameKeyAlways) {
  // Fixed, so that a change of the hash is noticed.
  EXPECT_EQ(AffinityCore("customer-17", 4), AffinityCore(std::string("customer-17"), 4));
  EXPECT_EQ(AffinityCore("a", 1'000'000), 927'756u);
  EXPECT_EQ(AffinityCore("customer-17", 1'000'000), 749'732u);
  EXPECT_EQ(AffinityCore("anything", 1), 0u);
}

// Were keys thrown at random, a core would get within five standard deviations of its share but
// once in a million tries.
TEST(AffinityCore, SpreadsKeysOfEveryShapeEvenly) {
  constexpr size_t kKeys = 10'000;
  using MakeKey = std::string (*)(size_t);
  const MakeKey shapes[] = {[](size_t i) { return std::to_string(i); },
                            [](size_t i) { return "customer/" + std::to_string(i) + "/orders"; },
                            [](size_t i) { return std::string(1 + i / 256, char(i % 256)); },
                            [](size_t i) { return std::to_string(i * 1024); }};
  for (const size_t cores : {2u, 3u, 8u, 64u}) {
    for (const MakeKey make : shapes) {
      std::vector<size_t> counts(cores);
      for (size_t i = 0; i < kKeys; ++i) ++counts[AffinityCore(make(i), cores)];
      const double share = double(kKeys) / double(cores);
      for (const size_t count : counts) EXPECT_NEAR(double(count), share, 5 * std::sqrt(share));
    }
  }
}

TEST(Router, TakesTheCoreWithTheLeastAhead) {
  Router router(kDepth);
  const std::vector<CoreLoad> loads = {Queued(Priority::kNormal, 3), Queued(Priority::kNormal, 1),
                                       Queued(Priority::kNormal, 2)};
  for (int round = 0; round < 4; ++round)
    EXPECT_EQ(router.Choose(loads, Priority::kNormal, kNow), 1u);
}

TEST(Router, GoesRoundAmongEquals) {
  Router router(kDepth);
  const std::vector<CoreLoad> loads(3);
  std::vector<size_t> chosen;
  for (int round = 0; round < 6; ++round)
    chosen.push_back(router.Choose(loads, Priority::kLow, kNow));
  EXPECT_EQ(chosen, (std::vector<size_t>{0, 1, 2, 0, 1, 2}));
}

TEST(Router, IgnoresWhatWaitsAtLowerLevels) {
  Router router(kDepth);
  const std::vector<CoreLoad> loads = {Queued(Priority::kLow, 3), Queued(Priority::kHigh, 1)};
  EXPECT_EQ(router.Choose(loads, Priority::kHigh, kNow), 0u);
  EXPECT_EQ(router.Choose(loads, Priority::kLow, kNow), 1u);
}

TEST(Router, CountsWhatHasStartedAtLowerLevels) {
  Router router(kDepth);
  CoreLoad running = Queued(Priority::kLow, 3);
  running.started[2] = 3;
  const std::vector<CoreLoad> loads = {running, Queued(Priority::kHigh, 1)};
  EXPECT_EQ(router.Choose(loads, Priority::kHigh, kNow), 1u);
}

TEST(Router, PassesOverACoreWithoutRoom) {
  Router router(kDepth);
  CoreLoad full;
  full.slots_full = true;
  const std::vector<CoreLoad> slots = {full, Queued(Priority::kHigh, 3)};
  EXPECT_EQ(router.Choose(slots, Priority::kNormal, kNow), 1u);
  // Less ahead in sum, but the level itself is at its bound.
  CoreLoad busy = Queued(Priority::kHigh, 4);
  busy.admitted[1] = 3;
  const std::vector<CoreLoad> depth = {Queued(Priority::kNormal, kDepth), busy};
  EXPECT_EQ(router.Choose(depth, Priority::kNormal, kNow), 1u);
}

TEST(Router, NamesTheLeastLoadedWhenNoneHasRoom) {
  Router router(kDepth);
  CoreLoad more = Queued(Priority::kNormal, kDepth);
  more.admitted[0] = 2;
  const std::vector<CoreLoad> loads = {more, Queued(Priority::kNormal, kDepth)};
  EXPECT_EQ(router.Choose(loads, Priority::kNormal, kNow), 1u);
}

TEST(Router, TakesTheLeastWorkBeforeTheFewestTasks) {
  Router router(kDepth);
  CoreLoad one_long = Queued(Priority::kNormal, 1);
  one_long.charged[1] = 1'000'000;
  CoreLoad three_short = Queued(Priority::kNormal, 3);
  three_short.charged[1] = 3'000;
  std::vector<CoreLoad> loads = {one_long, three_short};
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(router.Choose(loads, Priority::kNormal, kNow), 1u);
  }
  // What runs holds up every level.
  loads[1].busy_until = kNow + 1'000'000;
  EXPECT_EQ(router.Choose(loads, Priority::kNormal, kNow), 0u);
  EXPECT_EQ(router.Choose(loads, Priority::kHigh, kNow), 0u);
  EXPECT_EQ(router.Choose(loads, Priority::kNormal, kNow + 10'000), 1u);
}

TEST(Router, NeverTakesACoreThatIsFullOrHasMoreAheadThanAnother) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Router router(kDepth);
  for (int round = 0; round < 5'000; ++round) {
    std::vector<CoreLoad> loads(1 + random() % 5);
    for (CoreLoad& load : loads) {
      load.queue_depth_max = kDepth;
      load.slots_full = random() % 8 == 0;
      load.busy_until = static_cast<sys::Ticks>(random() % 2'000);
      for (size_t level = 0; level < kPriorityCount; ++level) {
        load.admitted[level] = random() % (kDepth + 1);
        load.started[level] = random() % (load.admitted[level] + 1);
        load.charged[level] = random() % 3;
      }
    }
    const auto priority = static_cast<Priority>(random() % kPriorityCount);
    const CoreLoad& chosen = loads[router.Choose(loads, priority, kNow)];
    for (const CoreLoad& other : loads) {
      if (!other.HasRoom(priority)) continue;
      ASSERT_TRUE(chosen.HasRoom(priority));
      ASSERT_LE(chosen.WorkAhead(priority, kNow), other.WorkAhead(priority, kNow));
      if (chosen.WorkAhead(priority, kNow) == other.WorkAhead(priority, kNow)) {
        ASSERT_LE(chosen.Ahead(priority), other.Ahead(priority));
      }
    }
  }
}

}  // namespace
}  // namespace weft
