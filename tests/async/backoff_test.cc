// Backoffs: that their delays keep to what was asked for whatever that is, when they are exhausted,
// and what is refused.
#include "async/backoff.h"

#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "async_fixture.h"
#include "test_seed.h"

namespace weft {
namespace {

constexpr int64_t kMs = 1'000'000;

std::vector<int64_t> All(Backoff& backoff) {
  std::vector<int64_t> delays;
  while (const auto delay_ns = backoff.Next(0)) delays.push_back(*delay_ns);
  return delays;
}

TEST(Backoff, GrowsUpToTheMostAndIsExhausted) {
  auto backoff =
      Backoff::Make({.initial_ns = 10, .max_ns = 100, .factor = 3, .jitter = 0, .max_attempts = 5});
  ASSERT_TRUE(backoff.ok());
  EXPECT_EQ(All(*backoff), (std::vector<int64_t>{10, 30, 90, 100, 100}));
  EXPECT_TRUE(backoff->is_exhausted());
  EXPECT_EQ(backoff->attempts(), 5U);
  EXPECT_EQ(backoff->Next(0), std::nullopt) << "it stays so";
  backoff->Reset();
  EXPECT_FALSE(backoff->is_exhausted());
  EXPECT_EQ(All(*backoff), (std::vector<int64_t>{10, 30, 90, 100, 100}));
}

TEST(Backoff, GivesNoDelayThatEndsBehindTheDeadline) {
  auto backoff =
      Backoff::Make({.initial_ns = 10, .max_ns = 10, .factor = 1, .jitter = 0, .deadline_ns = 100});
  ASSERT_TRUE(backoff.ok());
  EXPECT_EQ(backoff->Next(80), 10);
  EXPECT_EQ(backoff->Next(90), 10) << "it ends at the deadline";
  EXPECT_EQ(backoff->Next(91), std::nullopt);
  EXPECT_TRUE(backoff->is_exhausted());
  EXPECT_EQ(backoff->attempts(), 2U) << "what was not given is not counted";
  backoff->Reset();
  EXPECT_EQ(backoff->Next(100), std::nullopt) << "the deadline stays";
  backoff->Reset();
  EXPECT_EQ(backoff->Next(INT64_MIN), 10);
}

TEST(Backoff, DrawsAlikeWhatIsSeededAlike) {
  BackoffOptions options{.jitter = 1, .max_attempts = 20, .seed = 5};
  auto one = Backoff::Make(options);
  auto same = Backoff::Make(options);
  options.seed = 6;
  auto other = Backoff::Make(options);
  const auto delays = All(*one);
  EXPECT_EQ(delays, All(*same));
  EXPECT_NE(delays, All(*other));
}

TEST(Backoff, RefusesWhatIsOutOfRangeAndSaysWhatIsRight) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const struct {
    BackoffOptions options;
    std::string message;
  } kWrong[] = {
      {{.initial_ns = 0, .max_attempts = 1}, "initial_ns is 0: takes 1 or more"},
      {{.initial_ns = -3, .max_attempts = 1}, "initial_ns is -3: takes 1 or more"},
      {{.initial_ns = 5, .max_ns = 4, .max_attempts = 1}, "max_ns is 4: takes initial_ns or more"},
      {{.factor = 0.5, .max_attempts = 1}, "factor is 0.5: takes 1 to 1000"},
      {{.factor = 1001, .max_attempts = 1}, "factor is 1001: takes 1 to 1000"},
      {{.factor = nan, .max_attempts = 1}, "factor is nan: takes 1 to 1000"},
      {{.jitter = -0.5, .max_attempts = 1}, "jitter is -0.5: takes 0 to 1"},
      {{.jitter = 1.5, .max_attempts = 1}, "jitter is 1.5: takes 0 to 1"},
      {{.jitter = nan, .max_attempts = 1}, "jitter is nan: takes 0 to 1"},
      {{}, "max_attempts is 0 and there is no deadline_ns: set one, or it would never end"},
  };
  for (const auto& wrong : kWrong) {
    const auto backoff = Backoff::Make(wrong.options);
    ASSERT_TRUE(absl::IsInvalidArgument(backoff.status())) << wrong.message;
    EXPECT_EQ(backoff.status().message(), wrong.message);
  }
}

// Each delay is between its base less the jitter and its base, which is initial_ns times the factor
// to the power of its number, but max_ns at most.
TEST(Backoff, KeepsToItsOptionsWhateverTheyAre) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 2'000; ++round) {
    BackoffOptions options;
    options.initial_ns = 1 + static_cast<int64_t>(random() >> (1 + random() % 62));
    options.max_ns = std::max(options.initial_ns, static_cast<int64_t>(random() >> 1));
    options.factor = 1 + static_cast<double>(random() % 1'000) / (random() % 2 == 0 ? 1'000. : 2.);
    options.jitter = static_cast<double>(random() % 101) / 100;
    options.max_attempts = 1 + static_cast<uint32_t>(random() % 50);
    options.seed = random();
    auto backoff = Backoff::Make(options);
    ASSERT_TRUE(backoff.ok()) << backoff.status();
    const auto delays = All(*backoff);
    ASSERT_EQ(delays.size(), options.max_attempts);
    for (size_t i = 0; i < delays.size(); ++i) {
      const double most = static_cast<double>(options.max_ns);
      const double grown = static_cast<double>(options.initial_ns) *
                           std::pow(options.factor, static_cast<double>(i));
      const double base = std::min(most, grown);
      ASSERT_LE(delays[i], options.max_ns);
      ASSERT_LE(static_cast<double>(delays[i]), base * (1 + 1e-9));
      ASSERT_GE(static_cast<double>(delays[i]), base * (1 - options.jitter) * (1 - 1e-9) - 1);
    }
  }
}

TEST(Backoff, ChanceIsSpreadOverTheWholeJitter) {
  auto backoff = Backoff::Make({.initial_ns = 1'000'000,
                                .max_ns = 1'000'000,
                                .jitter = 1,
                                .max_attempts = 10'000,
                                .seed = TestSeed()});
  int tenths[10] = {};
  for (const int64_t delay_ns : All(*backoff)) {
    ++tenths[std::min<int64_t>(delay_ns / 100'000, 9)];
  }
  // 1000 each, of which 700 would be ten standard deviations away.
  for (const int count : tenths) EXPECT_NEAR(count, 1'000, 300);
}

using BackoffTest = AsyncTest;

TEST_F(BackoffTest, WaitsAndThenSaysThatItIsExhausted) {
  auto backoff =
      Backoff::Make({.initial_ns = 10 * kMs, .max_ns = 20 * kMs, .jitter = 0, .max_attempts = 2});
  std::vector<WaitResult> results;
  Go([&](TaskContext& context) {
    for (int i = 0; i < 3; ++i) results.push_back(backoff->Wait(context));
  });
  Settle();
  Advance(9 * kMs);
  EXPECT_EQ(results.size(), 0U);
  Advance(2 * kMs);
  EXPECT_EQ(results.size(), 1U);
  Advance(18 * kMs);
  EXPECT_EQ(results.size(), 1U);
  Advance(3 * kMs);
  EXPECT_EQ(results, (std::vector{WaitResult::kDone, WaitResult::kDone, WaitResult::kClosed}));
}

TEST_F(BackoffTest, AWaitIsCutShortByACancel) {
  auto backoff = Backoff::Make({.max_attempts = 1});
  WaitResult result = WaitResult::kDone;
  auto handle = Spawn(host(), [&](TaskContext& context) { result = backoff->Wait(context); });
  Settle();
  handle->Abort();
  Settle();
  EXPECT_EQ(result, WaitResult::kCancelled);
}

}  // namespace
}  // namespace weft
