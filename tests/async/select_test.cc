// Waiting for several tasks at once: for all, and for whichever ends first; what is refused, and
// that handles are as they were.
#include "async/select.h"

#include <string>
#include <utility>
#include <vector>

#include "async_fixture.h"

namespace weft {
namespace {

constexpr int64_t kMs = 1'000'000;

class SelectTest : public AsyncTest {
 protected:
  // A task that sleeps so long and then is worth as much.
  JoinHandle<int64_t> Sleeper(int64_t ms) {
    auto handle = Spawn(host(), [ms](TaskContext& context) {
      context.SleepFor(ms * kMs);
      return ms;
    });
    EXPECT_TRUE(handle.ok()) << handle.status();
    return *std::move(handle);
  }
};

TEST_F(SelectTest, TellsWhichEndedFirstAndLeavesTheOthers) {
  std::vector<int64_t> order;
  Go([&](TaskContext& context) {
    std::vector<JoinHandle<int64_t>> sleepers;
    for (const int64_t ms : {30, 10, 20}) sleepers.push_back(Sleeper(ms));
    while (!sleepers.empty()) {
      const auto first = SelectAny(context, HandlesOf<int64_t>(sleepers));
      ASSERT_TRUE(first.ok()) << first.status();
      EXPECT_TRUE(sleepers[*first].has_ended());
      order.push_back(*sleepers[*first].Join(context));
      sleepers.erase(sleepers.begin() + static_cast<std::ptrdiff_t>(*first));
    }
  });
  Settle();
  for (int step = 0; step < 4; ++step) Advance(11 * kMs);
  EXPECT_EQ(order, (std::vector<int64_t>{10, 20, 30}));
  EXPECT_EQ(home().outstanding(), 0U);
}

TEST_F(SelectTest, OfSeveralThatHaveEndedItIsTheLowest) {
  std::vector<JoinHandle<int64_t>> sleepers;
  for (const int64_t ms : {9, 3, 3}) sleepers.push_back(Sleeper(ms));
  Settle();
  Advance(4 * kMs);
  size_t first = 99;
  Go([&](TaskContext& context) { first = *SelectAny(context, HandlesOf<int64_t>(sleepers)); });
  Settle();
  EXPECT_EQ(first, 1U);
  Advance(10 * kMs);
  for (auto& sleeper : sleepers) EXPECT_TRUE(sleeper.BlockingJoin().ok()) << "still joinable";
}

TEST_F(SelectTest, SelectingOverNothingOrTooManyIsRefused) {
  Go([&](TaskContext& context) {
    const auto none = SelectAny(context, {});
    EXPECT_EQ(none.status(),
              absl::InvalidArgumentError("there are 0 handles: select takes 1 to 64"));
    auto sleeper = Sleeper(1);
    const std::vector<TaskHandle*> many(kSelectMax + 1, &sleeper);
    EXPECT_EQ(SelectAny(context, many).status(),
              absl::InvalidArgumentError("there are 65 handles: select takes 1 to 64"));
    EXPECT_TRUE(sleeper.Join(context).ok());
  });
  Settle();
  Advance(2 * kMs);
  EXPECT_EQ(home().live(), 0U);
}

TEST_F(SelectTest, HandlesWithoutATaskOrThereTwiceAreRefused) {
  Go([&](TaskContext& context) {
    auto sleeper = Sleeper(1);
    JoinHandle<int64_t> empty;
    TaskHandle* const with_empty[] = {&sleeper, &empty};
    EXPECT_EQ(SelectAny(context, with_empty).status(),
              absl::FailedPreconditionError("handle 1 has no task: it was joined or detached"));
    TaskHandle* const twice[] = {&sleeper, &sleeper};
    EXPECT_EQ(SelectAny(context, twice).status(),
              absl::FailedPreconditionError("handle 1 is waited for already: it is there twice"));
    EXPECT_EQ(*sleeper.Join(context), 1) << "nothing of the refused is left behind";
  });
  Settle();
  Advance(2 * kMs);
  EXPECT_EQ(home().live(), 0U);
}

TEST_F(SelectTest, MayElapseAndBeCancelledAndBeTriedAgain) {
  std::vector<absl::Status> statuses;
  std::vector<JoinHandle<int64_t>> sleepers;
  sleepers.push_back(Sleeper(50));
  sleepers.push_back(Sleeper(60));
  auto handle = Spawn(host(), [&](TaskContext& context) {
    for (const int64_t until_ns : {context.NowNs() + kMs, kNoEnd}) {
      statuses.push_back(SelectAny(context, HandlesOf<int64_t>(sleepers), until_ns).status());
    }
  });
  Settle();
  Advance(2 * kMs);
  handle->Abort();
  Settle();
  ASSERT_EQ(statuses.size(), 2U);
  EXPECT_TRUE(absl::IsDeadlineExceeded(statuses[0])) << statuses[0];
  EXPECT_TRUE(absl::IsCancelled(statuses[1])) << statuses[1];
  Advance(70 * kMs);
  for (auto& sleeper : sleepers) EXPECT_TRUE(sleeper.BlockingJoin().ok());
}

TEST_F(SelectTest, AsManyAsThereMayBe) {
  Build([](CoreOptions& options) {
    options.stacks = 80;
    options.local_slots = 80;
    options.remote_slots = 8;
  });
  core_->TakeThread();
  size_t first = 99;
  Go([&](TaskContext& context) {
    std::vector<JoinHandle<int64_t>> sleepers;
    for (size_t i = 0; i < kSelectMax; ++i) sleepers.push_back(Sleeper(i == 63 ? 1 : 5));
    first = *SelectAny(context, HandlesOf<int64_t>(sleepers));
    const auto all = JoinAll<int64_t>(context, sleepers);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(all->size(), kSelectMax);
  });
  Settle();
  Advance(2 * kMs);
  EXPECT_EQ(first, 63U);
  Advance(10 * kMs);
  EXPECT_EQ(home().live(), 0U);
}

TEST_F(SelectTest, JoinsAllInTheirOrderWhateverEachCameTo) {
  bool is_over = false;
  Go([&](TaskContext& context) {
    std::vector<JoinHandle<int64_t>> handles;
    for (const int64_t ms : {20, 10}) handles.push_back(Sleeper(ms));
    handles.push_back(*Spawn(host(), []() -> int64_t { throw 1; }));
    const auto all = JoinAll<int64_t>(context, handles);
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ(all->size(), 3U);
    EXPECT_EQ(*(*all)[0], 20);
    EXPECT_EQ(*(*all)[1], 10);
    EXPECT_TRUE(absl::IsInternal((*all)[2].status()));
    const auto again = JoinAll<int64_t>(context, handles);
    EXPECT_TRUE(absl::IsFailedPrecondition(again.status())) << "they are joined";
    EXPECT_TRUE(JoinAll<int64_t>(context, {})->empty());
    is_over = true;
  });
  Settle();
  Advance(11 * kMs);
  EXPECT_FALSE(is_over);
  Advance(11 * kMs);
  EXPECT_TRUE(is_over);
}

TEST_F(SelectTest, JoinsAllOfTasksWithoutAValue) {
  int ended = 0;
  Go([&](TaskContext& context) {
    std::vector<JoinHandle<void>> handles;
    for (int i = 0; i < 3; ++i) handles.push_back(*Spawn(host(), [&ended] { ++ended; }));
    const auto all = JoinAll<void>(context, handles);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(*all, std::vector<absl::Status>(3));
  });
  Settle();
  EXPECT_EQ(ended, 3);
}

TEST_F(SelectTest, AJoinOfAllThatIsCutShortHasJoinedNone) {
  std::vector<JoinHandle<int64_t>> handles;
  for (const int64_t ms : {1, 50}) handles.push_back(Sleeper(ms));
  absl::Status status;
  Go([&](TaskContext& context) {
    status = JoinAll<int64_t>(context, handles, context.NowNs() + 10 * kMs).status();
  });
  Settle();
  Advance(11 * kMs);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  Advance(50 * kMs);
  for (auto& handle : handles) EXPECT_TRUE(handle.BlockingJoin().ok());
}

}  // namespace
}  // namespace weft
