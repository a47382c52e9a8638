// Proves how the spin budget follows arrivals, per policy.
#include "core/idle.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(IdleBudget, SpinNeverSleepsAndSleepNeverSpins) {
  IdleBudget spin(IdlePolicy::kSpin, 50, 200);
  IdleBudget sleep(IdlePolicy::kSleep, 50, 200);
  spin.WorkCameAfter(1'000'000);
  sleep.WorkCameAfter(1);
  EXPECT_EQ(spin.spin(), sys::kTicksForever);
  EXPECT_EQ(sleep.spin(), 0);
}

TEST(IdleBudget, RestsWhateverThePolicyAndGoesOnAsBefore) {
  for (const IdlePolicy policy : {IdlePolicy::kSpin, IdlePolicy::kAdaptive, IdlePolicy::kSleep}) {
    IdleBudget idle(policy, 50, 200);
    const sys::Ticks before = idle.spin();
    idle.set_resting(true);
    EXPECT_EQ(idle.spin(), 0);
    idle.set_resting(false);
    EXPECT_EQ(idle.spin(), before);
  }
}

TEST(IdleBudget, AdaptiveGrowsToBridgeGapsItCanBridge) {
  IdleBudget idle(IdlePolicy::kAdaptive, 50, 200);
  idle.WorkCameAfter(90);
  EXPECT_EQ(idle.spin(), 180);
  idle.WorkCameAfter(150);
  EXPECT_EQ(idle.spin(), 200);
}

TEST(IdleBudget, AdaptiveGivesUpSpinningForRareWork) {
  IdleBudget idle(IdlePolicy::kAdaptive, 1'000, 4'000);
  for (int i = 0; i < 40; ++i) idle.WorkCameAfter(1'000'000);
  EXPECT_LT(idle.spin(), 10);
  idle.WorkCameAfter(2'000);
  EXPECT_EQ(idle.spin(), 4'000);
}

}  // namespace
}  // namespace weft
