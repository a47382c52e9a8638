#include "dispatch/router.h"

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
