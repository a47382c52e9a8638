// Proves what is told of a handler over several cores and levels, of all time and of an interval.
#include "core/handler_totals.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft {
namespace {

class HandlerTotalsTest : public testing::Test {
 protected:
  HandlerTotals Sum(size_t handler) const {
    const std::vector<const CoreStats*> cores = {&first_, &second_};
    return SumHandler(cores, handler);
  }

  CoreStats first_{2};
  CoreStats second_{2};
};

TEST_F(HandlerTotalsTest, SumsCoresAndLevelsOfOneHandler) {
  first_.CountExecution(1, Priority::kHigh, 10, 100);
  first_.CountExecution(0, Priority::kHigh, 10, 100);
  second_.CountExecution(1, Priority::kLow, 30, 300);
  second_.histograms[1].failed.Add();
  const HandlerTotals totals = Sum(1);
  EXPECT_EQ(totals.executed, 2U);
  EXPECT_EQ(totals.failed, 1U);
  EXPECT_EQ(totals.queue.sum_ns, 40U);
  EXPECT_EQ(totals.execution.max_ns, 300U);
}

TEST_F(HandlerTotalsTest, ExecutionsCountAlsoWithoutTiming) {
  first_.histograms[0].untimed.Add(3);
  first_.histograms[0].failed.Add(2);
  EXPECT_EQ(Sum(0).executed, 3U);
  EXPECT_EQ(Sum(0).failed, 2U);
  EXPECT_EQ(Sum(0).execution.count, 0U);
}

TEST_F(HandlerTotalsTest, SinceTellsOfTheIntervalAlone) {
  for (int i = 0; i < 100; ++i) first_.CountExecution(0, Priority::kNormal, 1'000'000, 5'000'000);
  first_.histograms[0].failed.Add(9);
  const HandlerTotals before = Sum(0);
  for (int i = 0; i < 4; ++i) second_.CountExecution(0, Priority::kNormal, 10, 12);
  second_.histograms[0].failed.Add(1);
  const HandlerTotals since = Sum(0).Since(before);
  EXPECT_EQ(since.executed, 4U);
  EXPECT_EQ(since.failed, 1U);
  EXPECT_EQ(since.queue.QuantileBound(0.99), 10U);
  EXPECT_EQ(since.execution.QuantileBound(0.5), 12U);
  EXPECT_EQ(Sum(0).Since(Sum(0)).executed, 0U);
}

}  // namespace
}  // namespace weft
