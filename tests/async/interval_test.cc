// Intervals under manual time: when ticks are due, what becomes of those that were missed, and what
// is refused.
#include "async/interval.h"

#include <optional>
#include <vector>

#include "async_fixture.h"

namespace weft {
namespace {

constexpr int64_t kMs = 1'000'000;

class IntervalTest : public AsyncTest {
 protected:
  // Ticks for ever, busy for 35 ms after the first of a period of 10 ms. When the ticks were due,
  // in ms since the start.
  std::vector<int64_t> DueWithALateTick(MissedTicks missed) {
    const int64_t start_ns = NowNs();
    auto interval = Interval::Make(start_ns, {.period_ns = 10 * kMs, .missed = missed});
    std::vector<int64_t> due_ms;
    auto handle = Spawn(host(), [&](TaskContext& context) {
      while (true) {
        const TickResult tick = interval->Tick(context);
        if (tick.reason != WakeReason::kElapsed) return;
        due_ms.push_back((tick.due_ns - start_ns) / kMs);
        if (due_ms.size() == 1) context.SleepFor(35 * kMs);
      }
    });
    // Nothing takes time here but the sleeps: the first tick is given at 10, the second at 45.
    Settle();
    for (int step = 0; step < 720; ++step) Advance(kMs / 10);
    handle->Abort();
    Settle();
    return due_ms;
  }
};

TEST_F(IntervalTest, TicksEachPeriodFromTheFirstOn) {
  const int64_t start_ns = NowNs();
  auto interval = Interval::Make(start_ns, {.period_ns = 10 * kMs, .first_ns = start_ns + 3 * kMs});
  ASSERT_TRUE(interval.ok());
  EXPECT_EQ(interval->period_ns(), 10 * kMs);
  std::vector<int64_t> due_ns;
  Go([&](TaskContext& context) {
    for (int i = 0; i < 3; ++i) due_ns.push_back(interval->Tick(context).due_ns - start_ns);
  });
  Settle();
  EXPECT_TRUE(due_ns.empty());
  Advance(4 * kMs);
  EXPECT_EQ(due_ns.size(), 1U);
  Advance(5 * kMs);
  EXPECT_EQ(due_ns.size(), 1U);
  Advance(5 * kMs);
  Advance(10 * kMs);
  EXPECT_EQ(due_ns, (std::vector<int64_t>{3 * kMs, 13 * kMs, 23 * kMs}));
  EXPECT_EQ(interval->next_ns() - start_ns, 33 * kMs) << "it does not drift";
}

TEST_F(IntervalTest, BurstCatchesUp) {
  EXPECT_EQ(DueWithALateTick(MissedTicks::kBurst),
            (std::vector<int64_t>{10, 20, 30, 40, 50, 60, 70}));
}

TEST_F(IntervalTest, SkipKeepsItsPlacesInTime) {
  EXPECT_EQ(DueWithALateTick(MissedTicks::kSkip), (std::vector<int64_t>{10, 20, 50, 60, 70}));
}

TEST_F(IntervalTest, DelayStartsAnewFromTheLateOne) {
  EXPECT_EQ(DueWithALateTick(MissedTicks::kDelay), (std::vector<int64_t>{10, 20, 55, 65}));
}

TEST_F(IntervalTest, APeriodOfZeroOrLessIsRefused) {
  for (const int64_t period_ns : {int64_t{0}, int64_t{-5}, INT64_MIN}) {
    const auto interval = Interval::Make(NowNs(), {.period_ns = period_ns});
    ASSERT_TRUE(absl::IsInvalidArgument(interval.status()));
    EXPECT_EQ(interval.status().message(),
              "period_ns is " + std::to_string(period_ns) + ": an interval takes 1 or more");
  }
}

TEST_F(IntervalTest, ATickThatWasNotGivenIsStillToCome) {
  const int64_t start_ns = NowNs();
  auto interval = Interval::Make(start_ns, {.period_ns = 10 * kMs});
  std::optional<TickResult> cut;
  auto handle = Spawn(host(), [&](TaskContext& context) { cut = interval->Tick(context); });
  Settle();
  handle->Abort();
  Settle();
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(cut->reason, WakeReason::kCancelled);
  EXPECT_EQ(interval->next_ns(), start_ns + 10 * kMs);
}

TEST_F(IntervalTest, ATickThatIsLateLetsOthersGoFirst) {
  auto interval = Interval::Make(NowNs(), {.period_ns = kMs, .first_ns = NowNs()});
  bool others_went = false;
  Go([&](TaskContext& context) {
    Go([&] { others_went = true; });
    interval->Tick(context);
    EXPECT_TRUE(others_went);
  });
  Settle();
}

TEST_F(IntervalTest, ThePeriodsOfAnAgeDoNotOverflow) {
  auto interval = Interval::Make(NowNs(), {.period_ns = INT64_MAX, .first_ns = INT64_MIN});
  ASSERT_TRUE(interval.ok());
  Go([&](TaskContext& context) {
    EXPECT_EQ(interval->Tick(context).due_ns, INT64_MIN);
    EXPECT_EQ(interval->next_ns(), -1);
  });
  Settle();
  auto skipping = Interval::Make(
      NowNs(), {.period_ns = 7, .missed = MissedTicks::kSkip, .first_ns = INT64_MIN});
  Go([&](TaskContext& context) {
    skipping->Tick(context);
    EXPECT_GT(skipping->next_ns(), context.NowNs());
    EXPECT_LE(skipping->next_ns(), context.NowNs() + 7);
  });
  Settle();
}

}  // namespace
}  // namespace weft
