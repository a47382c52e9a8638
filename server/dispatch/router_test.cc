#include "dispatch/router.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr uint32_t kDepth = 4;

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
  for (int round = 0; round < 4; ++round) EXPECT_EQ(router.Choose(loads, Priority::kNormal), 1u);
}

TEST(Router, GoesRoundAmongEquals) {
  Router router(kDepth);
  const std::vector<CoreLoad> loads(3);
  std::vector<size_t> chosen;
  for (int round = 0; round < 6; ++round) chosen.push_back(router.Choose(loads, Priority::kLow));
  EXPECT_EQ(chosen, (std::vector<size_t>{0, 1, 2, 0, 1, 2}));
}

TEST(Router, IgnoresWhatWaitsAtLowerLevels) {
  Router router(kDepth);
  const std::vector<CoreLoad> loads = {Queued(Priority::kLow, 3), Queued(Priority::kHigh, 1)};
  EXPECT_EQ(router.Choose(loads, Priority::kHigh), 0u);
  EXPECT_EQ(router.Choose(loads, Priority::kLow), 1u);
}

TEST(Router, CountsWhatHasStartedAtLowerLevels) {
  Router router(kDepth);
  CoreLoad running = Queued(Priority::kLow, 3);
  running.started[2] = 3;
  const std::vector<CoreLoad> loads = {running, Queued(Priority::kHigh, 1)};
  EXPECT_EQ(router.Choose(loads, Priority::kHigh), 1u);
}

TEST(Router, PassesOverACoreWithoutRoom) {
  Router router(kDepth);
  CoreLoad full;
  full.slots_full = true;
  const std::vector<CoreLoad> slots = {full, Queued(Priority::kHigh, 3)};
  EXPECT_EQ(router.Choose(slots, Priority::kNormal), 1u);
  // Less ahead in sum, but the level itself is at its bound.
  CoreLoad busy = Queued(Priority::kHigh, 4);
  busy.admitted[1] = 3;
  const std::vector<CoreLoad> depth = {Queued(Priority::kNormal, kDepth), busy};
  EXPECT_EQ(router.Choose(depth, Priority::kNormal), 1u);
}

TEST(Router, NamesTheLeastLoadedWhenNoneHasRoom) {
  Router router(kDepth);
  CoreLoad more = Queued(Priority::kNormal, kDepth);
  more.admitted[0] = 2;
  const std::vector<CoreLoad> loads = {more, Queued(Priority::kNormal, kDepth)};
  EXPECT_EQ(router.Choose(loads, Priority::kNormal), 1u);
}

}  // namespace
}  // namespace weft
