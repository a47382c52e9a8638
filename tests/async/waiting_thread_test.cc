// Selections and timeouts across real threads, for ThreadSanitizer: what is waited for ends on
// another host while the wait for it does. A wake-up that is lost ends a test by its timeout.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "async/select.h"
#include "async/spawn_family.h"
#include "async/timing.h"
#include "async_thread_fixture.h"

namespace weft {
namespace {

using WaitingThreadTest = AsyncThreadTest;

constexpr int kRounds = 500;

TEST_F(WaitingThreadTest, SelectsAmongTasksOfEveryHost) {
  const auto ended = BlockOn(host(0), [&](TaskContext& context) {
    int count = 0;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<JoinHandle<int>> handles;
      for (size_t index = 0; index < 3; ++index) {
        auto handle = Spawn(host(index), [index, round](TaskContext& inner) {
          inner.SleepFor((round + static_cast<int>(index)) % 3 * 1'000);
          return 1;
        });
        if (handle.ok()) handles.push_back(*std::move(handle));
      }
      while (!handles.empty()) {
        const auto first = SelectAny(context, HandlesOf<int>(handles));
        EXPECT_TRUE(first.ok()) << first.status();
        count += *handles[*first].Join(context);
        handles.erase(handles.begin() + static_cast<std::ptrdiff_t>(*first));
      }
    }
    return count;
  });
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_GT(*ended, kRounds);
}

TEST_F(WaitingThreadTest, SelectionsThatElapseRaceWithTheEnds) {
  const auto joined = BlockOn(pool(), [&](TaskContext& context) {
    int count = 0;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<JoinHandle<void>> handles;
      for (size_t index = 0; index < 2; ++index) {
        auto handle = Spawn(host(index), [](TaskContext& inner) { inner.SleepFor(5'000); });
        if (handle.ok()) handles.push_back(*std::move(handle));
      }
      const int64_t until_ns = context.NowNs() + round % 40 * 1'000;
      const auto first = SelectAny(context, HandlesOf<void>(handles), until_ns);
      EXPECT_TRUE(first.ok() || absl::IsDeadlineExceeded(first.status())) << first.status();
      const auto all = JoinAll<void>(context, handles);
      EXPECT_TRUE(all.ok()) << all.status();
      for (const absl::Status& status : *all) count += status.ok() ? 1 : 0;
    }
    return count;
  });
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_GT(*joined, kRounds);
}

// The work writes to the stack of who gave it so long, which must not have gone on.
TEST_F(WaitingThreadTest, TimeoutsRaceWithTheEndOfTheirWork) {
  for (size_t index = 0; index < 3; ++index) {
    const auto in_time = BlockOn(host(index), [](TaskContext& context) {
      int count = 0;
      for (int round = 0; round < kRounds; ++round) {
        int64_t begun = 0;
        const auto value = Timeout(context, 4'000 + round % 40 * 500, [&begun](TaskContext& inner) {
          begun = inner.NowNs();
          inner.SleepFor(10'000);
          return begun;
        });
        if (value.ok()) {
          EXPECT_EQ(*value, begun);
          ++count;
        } else {
          EXPECT_TRUE(absl::IsDeadlineExceeded(value.status())) << value.status();
        }
      }
      return count;
    });
    ASSERT_TRUE(in_time.ok()) << in_time.status();
    EXPECT_LE(*in_time, kRounds);
  }
}

}  // namespace
}  // namespace weft
