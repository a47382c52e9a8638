// Proves the arithmetic of anchors and slewing on invented readings. Clock itself is only asked
// for what holds at any speed: it never goes back and it starts near the wall clock.
#include "sys/clock.h"

#include <time.h>

#include <cstdint>
#include <limits>
#include <random>

#include "gtest/gtest.h"

namespace weft::sys {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

// ns_per_tick = numerator / denominator.
uint64_t Multiplier(uint64_t numerator, uint64_t denominator) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(numerator) << ClockAnchor::kShift) /
                               denominator);
}

ClockAnchor TwoPointSixGhz() { return {1'000'000, 1'700'000'000 * kSecond, Multiplier(5, 13)}; }

TEST(ClockAnchor, MapsItsOwnPointExactly) {
  EXPECT_EQ(TwoPointSixGhz().ToUnixNs(1'000'000), 1'700'000'000 * kSecond);
}

TEST(ClockAnchor, ConvertsWithoutOverflowOverYears) {
  const ClockAnchor anchor = TwoPointSixGhz();
  const int64_t ten_years_ns = 10 * 365 * 86'400 * kSecond;
  const Ticks ticks = anchor.NsToTicks(ten_years_ns);
  EXPECT_NEAR(static_cast<double>(ticks), static_cast<double>(ten_years_ns) * 2.6, 1e6);
  EXPECT_EQ(anchor.TicksToNs(ticks), ten_years_ns);
}

TEST(ClockAnchor, NsToTicksIsTheSmallestSufficientCount) {
  std::mt19937_64 random(1);
  for (const ClockAnchor& anchor :
       {TwoPointSixGhz(), ClockAnchor{0, 0, Multiplier(1, 1)}, ClockAnchor{0, 0, Multiplier(3, 2)},
        ClockAnchor{0, 0, Multiplier(7, 23)}}) {
    for (int i = 0; i < 10'000; ++i) {
      const auto ns = static_cast<int64_t>(random() >> (random() % 50 + 4)) + 1;
      const Ticks ticks = anchor.NsToTicks(ns);
      ASSERT_GE(anchor.TicksToNs(ticks), ns);
      ASSERT_LT(anchor.TicksToNs(ticks - 1), ns);
    }
  }
}

TEST(ClockAnchor, IsMonotoneTickByTick) {
  const ClockAnchor anchor = TwoPointSixGhz();
  int64_t previous = anchor.ToUnixNs(anchor.ticks - 1000);
  for (Ticks at = anchor.ticks - 999; at < anchor.ticks + 1000; ++at) {
    const int64_t ns = anchor.ToUnixNs(at);
    ASSERT_GE(ns, previous);
    ASSERT_LE(ns - previous, 1);
    previous = ns;
  }
}

TEST(ClockAnchor, SaturatesAtForeverAndAtZero) {
  const ClockAnchor anchor = TwoPointSixGhz();
  EXPECT_EQ(anchor.NsToTicks(std::numeric_limits<int64_t>::max()), kTicksForever);
  EXPECT_EQ(anchor.NsToTicks(0), 0);
  EXPECT_EQ(anchor.NsToTicks(-5), 0);
}

TEST(Slew, NeverStepsWhateverTheWallClockSays) {
  const ClockAnchor old = TwoPointSixGhz();
  const Ticks now = old.ticks + 2'600'000'000;
  for (const int64_t error : {int64_t{0}, int64_t{1}, -kSecond, 3600 * kSecond, -3600 * kSecond}) {
    const ClockAnchor next = Slew(old, {now, old.ToUnixNs(now) + error}, old.multiplier);
    EXPECT_EQ(next.ToUnixNs(now), old.ToUnixNs(now)) << error;
  }
}

TEST(Slew, BendsByFiveHundredPpmAtMost) {
  const ClockAnchor old = TwoPointSixGhz();
  const Ticks now = old.ticks + 2'600'000'000;
  const int64_t ours = old.ToUnixNs(now);
  const auto nominal = static_cast<double>(old.multiplier);
  const ClockAnchor fast = Slew(old, {now, ours + 3600 * kSecond}, old.multiplier);
  const ClockAnchor slow = Slew(old, {now, ours - 3600 * kSecond}, old.multiplier);
  EXPECT_NEAR(static_cast<double>(fast.multiplier) / nominal, 1.0005, 1e-9);
  EXPECT_NEAR(static_cast<double>(slow.multiplier) / nominal, 0.9995, 1e-9);
}

TEST(Slew, KeepsTheNominalRateWhenThereIsNoError) {
  const ClockAnchor old = TwoPointSixGhz();
  const Ticks now = old.ticks + 26;
  EXPECT_EQ(Slew(old, {now, old.ToUnixNs(now)}, old.multiplier).multiplier, old.multiplier);
}

TEST(Slew, RemovesAnErrorWithoutOvershoot) {
  ClockAnchor anchor = TwoPointSixGhz();
  const uint64_t nominal = anchor.multiplier;
  const ClockAnchor wall{anchor.ticks, anchor.unix_ns + 1'000'000, nominal};
  int64_t behind_ns = 1'000'000;
  for (int second = 1; second <= 120; ++second) {
    const Ticks now = wall.ticks + second * Ticks{2'600'000'000};
    const int64_t left = wall.ToUnixNs(now) - anchor.ToUnixNs(now);
    ASSERT_LE(left, behind_ns) << second;
    ASSERT_GE(left, -1) << second;
    behind_ns = left;
    anchor = Slew(anchor, {now, wall.ToUnixNs(now)}, nominal);
  }
  EXPECT_LE(behind_ns, 50);
}

TEST(Clock, DetectsASteadyTscOnlyWithBothFlags) {
  EXPECT_TRUE(CpuinfoPromisesSteadyTsc("x : 1\nflags\t\t: fpu constant_tsc a nonstop_tsc\nbugs\n"));
  EXPECT_TRUE(CpuinfoPromisesSteadyTsc("x : 1\nflags\t\t: nonstop_tsc constant_tsc"));
  EXPECT_FALSE(
      CpuinfoPromisesSteadyTsc("x : 1\nflags\t\t: fpu constant_tsc\nbugs : nonstop_tsc\n"));
  EXPECT_FALSE(CpuinfoPromisesSteadyTsc("x : 1\nflags : constant_tsc_x nonstop_tsc\n"));
  EXPECT_FALSE(CpuinfoPromisesSteadyTsc("x : 1\nflags : not_constant_tsc nonstop_tsc\n"));
  EXPECT_FALSE(CpuinfoPromisesSteadyTsc(""));
}

TEST(Clock, NeverGoesBackAcrossReanchoring) {
  Clock clock;
  int64_t previous = clock.anchor().ToUnixNs(ReadTicks());
  for (int i = 0; i < 200; ++i) {
    if (i % 10 == 0) clock.Reanchor();
    const int64_t now = clock.anchor().ToUnixNs(ReadTicks());
    ASSERT_GE(now, previous);
    previous = now;
  }
}

TEST(Clock, MapsAMomentIntoTheBracketOfTheWallClock) {
  const auto wall_ns = [] {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * kSecond + now.tv_nsec;
  };
  Clock clock;
  const int64_t before = wall_ns();
  const int64_t ours = clock.anchor().ToUnixNs(ReadTicks());
  const int64_t after = wall_ns();
  // The bracket is widened by what a rate wrong by 10 % would give: a broken scale shows, a slow
  // machine does not.
  const int64_t slack = (after - before) / 10 + 1'000'000;
  EXPECT_GE(ours, before - slack);
  EXPECT_LE(ours, after + slack);
}

TEST(Ticks, NeverGoBackOnOneThread) {
  Ticks previous = ReadTicks();
  for (int i = 0; i < 10'000; ++i) {
    const Ticks now = ReadTicks();
    ASSERT_GE(now, previous);
    previous = now;
  }
}

}  // namespace
}  // namespace weft::sys
