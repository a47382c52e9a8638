// Waiting for times under manual time: sleeps by either clock, and work that has only so long.
#include "async/timing.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "async/sync.h"
#include "async_fixture.h"

namespace weft {
namespace {

constexpr int64_t kMs = 1'000'000;

class TimingTest : public AsyncTest {
 protected:
  // Runs body as a task, to its end or to where it waits; whether it has ended.
  template <class F>
  void Run(F body) {
    is_over_ = false;
    Go([this, body = std::move(body)](TaskContext& context) mutable {
      body(context);
      is_over_ = true;
    });
    Settle();
  }

  bool is_over_ = false;
};

TEST_F(TimingTest, SleepsUntilATimeAndNotLonger) {
  WakeReason reason = WakeReason::kWoken;
  const int64_t until_ns = NowNs() + 10 * kMs;
  Run([&](TaskContext& context) { reason = SleepUntil(context, until_ns); });
  Advance(9 * kMs);
  EXPECT_FALSE(is_over_);
  Advance(2 * kMs);
  EXPECT_TRUE(is_over_);
  EXPECT_EQ(reason, WakeReason::kElapsed);
}

TEST_F(TimingTest, ATimeThatHasPassedOnlyLetsOthersGoFirst) {
  std::string order;
  Go([&](TaskContext& context) {
    Go([&] { order += "other "; });
    EXPECT_EQ(SleepUntil(context, context.NowNs()), WakeReason::kElapsed);
    order += "this ";
    EXPECT_EQ(SleepUntil(context, INT64_MIN), WakeReason::kElapsed);
  });
  Settle();
  EXPECT_EQ(order, "other this ");
}

TEST_F(TimingTest, ASleepIsCutShortByACancel) {
  std::optional<WakeReason> reason;
  auto handle = Spawn(host(), [&](TaskContext& context) { reason = SleepUntil(context, kNoEnd); });
  Settle();
  Advance(1'000'000 * kMs);
  EXPECT_FALSE(reason.has_value());
  handle->Abort();
  Settle();
  EXPECT_EQ(reason, WakeReason::kCancelled);
}

// Runs as the executor's does, and ahead while the machine was suspended.
class ManualBootClock final : public BootClock {
 public:
  explicit ManualBootClock(const sys::Ticks& now) : now_(now) {}
  int64_t NowNs() const override { return now_ + suspended_ns; }

  int64_t suspended_ns = 0;

 private:
  const sys::Ticks& now_;
};

TEST_F(TimingTest, ASleepByTheBootClockCountsSuspensions) {
  ManualBootClock clock(now_);
  WakeReason reason = WakeReason::kWoken;
  const int64_t until_ns = clock.NowNs() + 3'600'000 * kMs;
  Run([&](TaskContext& context) { reason = SleepUntilBoot(context, clock, until_ns); });
  Advance(1'000 * kMs);
  EXPECT_FALSE(is_over_);
  clock.suspended_ns = 3'600'000 * kMs;
  Settle();
  EXPECT_FALSE(is_over_) << "it is asleep";
  Advance(kBootLookNs + kMs);
  EXPECT_TRUE(is_over_) << "so long after the suspension at most";
  EXPECT_EQ(reason, WakeReason::kElapsed);
}

TEST_F(TimingTest, ASleepByTheBootClockEndsInTimeWithoutASuspension) {
  ManualBootClock clock(now_);
  const int64_t until_ns = clock.NowNs() + 1'200 * kMs;
  Run([&](TaskContext& context) { SleepUntilBoot(context, clock, until_ns); });
  Advance(600 * kMs);
  Advance(500 * kMs);
  EXPECT_FALSE(is_over_);
  Advance(101 * kMs);
  EXPECT_TRUE(is_over_);
  Run([&](TaskContext& context) {
    EXPECT_EQ(SleepUntilBoot(context, clock, until_ns), WakeReason::kElapsed);
    EXPECT_EQ(SleepUntilBoot(context, clock, INT64_MIN), WakeReason::kElapsed);
  });
  EXPECT_TRUE(is_over_) << "that time has passed";
}

TEST_F(TimingTest, TheBootClockIsTheSystemsAndASleepByItIsCutShort) {
  const BootClock clock;
  const int64_t before_ns = clock.NowNs();
  EXPECT_GT(before_ns, 0);
  EXPECT_GE(clock.NowNs(), before_ns);
  WakeReason reason = WakeReason::kElapsed;
  auto handle = Spawn(
      host(), [&](TaskContext& context) { reason = SleepUntilBoot(context, clock, INT64_MAX); });
  Settle();
  handle->Abort();
  Settle();
  EXPECT_EQ(reason, WakeReason::kCancelled);
}

TEST_F(TimingTest, TimesAreNotAddedBeyondTheEnd) {
  EXPECT_EQ(TimeAfter(5, 10), 15);
  EXPECT_EQ(TimeAfter(5, 0), 5);
  EXPECT_EQ(TimeAfter(5, INT64_MIN), 5);
  EXPECT_EQ(TimeAfter(5, INT64_MAX), kNoEnd);
  EXPECT_EQ(TimeAfter(INT64_MAX - 1, 1), kNoEnd);
  EXPECT_EQ(TimeAfter(-5, INT64_MAX), INT64_MAX - 5);
}

TEST_F(TimingTest, WorkThatEndsInTimeGivesItsValue) {
  Run([&](TaskContext& context) {
    int seen = 1;
    const auto value = Timeout(context, 10 * kMs, [&](TaskContext& inner) {
      inner.SleepFor(kMs);
      ++seen;
      return std::make_unique<int>(7);
    });
    ASSERT_TRUE(value.ok()) << value.status();
    EXPECT_EQ(**value, 7);
    EXPECT_EQ(seen, 2);
    EXPECT_TRUE(Timeout(context, kMs, [] {}).ok());
    EXPECT_EQ(Timeout(context, kMs, [] { return absl::NotFoundError("none"); }),
              absl::NotFoundError("none"));
    EXPECT_EQ(*Timeout(context, kMs, [] { return absl::StatusOr<int>(3); }), 3);
  });
  Advance(2 * kMs);
  EXPECT_TRUE(is_over_);
}

TEST_F(TimingTest, WorkThatIsLateIsAbortedAndWaitedFor) {
  bool unwound = false;
  absl::Status status;
  Run([&](TaskContext& context) {
    const auto value = Timeout(context, 10 * kMs, [&](TaskContext& inner) {
      const WakeReason reason = inner.SleepFor(1'000 * kMs);
      unwound = reason == WakeReason::kCancelled;
      return 7;
    });
    EXPECT_TRUE(unwound) << "the work has let go of what it refers to";
    status = value.status();
  });
  Advance(9 * kMs);
  EXPECT_FALSE(is_over_);
  Advance(2 * kMs);
  EXPECT_TRUE(is_over_);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

TEST_F(TimingTest, WorkThatDoesNotStopAtOnceIsStillWaitedFor) {
  Event leave(host());
  Run([&](TaskContext& context) {
    const absl::Status status = Timeout(context, kMs, [&](TaskContext& inner) {
      const bool was_shielded = inner.SetShielded(true);
      leave.Wait(inner);
      inner.SetShielded(was_shielded);
    });
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  });
  Advance(100 * kMs);
  EXPECT_FALSE(is_over_);
  leave.Set();
  Settle();
  EXPECT_TRUE(is_over_);
}

TEST_F(TimingTest, ATimeoutOfZeroOrLessDoesNotCallTheWork) {
  Run([&](TaskContext& context) {
    bool was_called = false;
    const auto work = [&] { was_called = true; };
    EXPECT_TRUE(absl::IsDeadlineExceeded(Timeout(context, 0, work)));
    EXPECT_TRUE(absl::IsDeadlineExceeded(Timeout(context, -kMs, work)));
    EXPECT_TRUE(absl::IsDeadlineExceeded(TimeoutAt(context, context.NowNs() - 1, work)));
    EXPECT_FALSE(was_called);
    EXPECT_TRUE(TimeoutAt(context, kNoEnd, work).ok());
    EXPECT_TRUE(was_called);
  });
  EXPECT_TRUE(is_over_);
}

TEST_F(TimingTest, ACallerThatIsAskedToStopAbortsTheWork) {
  bool unwound = false;
  absl::Status status;
  auto handle = Spawn(host(), [&](TaskContext& context) {
    status = Timeout(context, 1'000 * kMs, [&](TaskContext& inner) {
      unwound = inner.SleepFor(1'000 * kMs) == WakeReason::kCancelled;
    });
    EXPECT_TRUE(unwound);
    EXPECT_TRUE(absl::IsCancelled(Timeout(context, kMs, [] {}))) << "it stays asked to stop";
  });
  Settle();
  handle->Abort();
  Settle();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_TRUE(handle->has_ended());
}

TEST_F(TimingTest, ACallersDeadlineAbortsTheWorkToo) {
  bool unwound = false;
  absl::Status status;
  Submit(Suspending([&](TaskContext& context) {
           status = Timeout(context, 1'000 * kMs, [&](TaskContext& inner) {
             unwound = inner.SleepFor(1'000 * kMs) == WakeReason::kCancelled;
           });
           return context.Stop();
         }),
         Priority::kNormal, kMs);
  Settle();
  Advance(2 * kMs);
  EXPECT_TRUE(unwound);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

TEST_F(TimingTest, WorkThatThrowsOrHasNoSlotIsToldSo) {
  Run([&](TaskContext& context) {
    const absl::Status thrown = Timeout(context, kMs, [] { throw std::runtime_error("broken"); });
    EXPECT_EQ(thrown, absl::InternalError("the task threw: broken"));
    // All slots but this one's.
    std::vector<JoinHandle<void>> others;
    auto other = Spawn(host(), [] {});
    for (; other.ok(); other = Spawn(host(), [] {})) others.push_back(*std::move(other));
    bool was_called = false;
    const absl::Status refused = Timeout(context, kMs, [&] { was_called = true; });
    EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
    EXPECT_FALSE(was_called);
  });
  EXPECT_TRUE(is_over_);
}

TEST_F(TimingTest, TimeoutsMayBeNested) {
  Run([&](TaskContext& context) {
    const auto outer = Timeout(context, 2 * kMs, [&](TaskContext& middle) {
      const auto inner =
          Timeout(middle, 10 * kMs, [](TaskContext& work) { work.SleepFor(50 * kMs); });
      EXPECT_TRUE(absl::IsCancelled(inner)) << inner;
      return 1;
    });
    EXPECT_TRUE(absl::IsDeadlineExceeded(outer.status())) << outer.status();
  });
  Advance(3 * kMs);
  EXPECT_TRUE(is_over_);
  EXPECT_EQ(home().live(), 0U);
}

}  // namespace
}  // namespace weft
