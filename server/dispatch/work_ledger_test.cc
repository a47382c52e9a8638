#include "dispatch/work_ledger.h"

#include <deque>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace weft {
namespace {

// A ledger with the sums that its user keeps.
class Ledger {
 public:
  explicit Ledger(uint32_t depth) : ledger_(depth) {}

  void Charge(Priority priority, uint64_t admitted, uint64_t charge) {
    uint64_t& charged = charged_[static_cast<size_t>(priority)];
    ledger_.Note(priority, admitted, charged);
    charged += charge;
  }
  uint64_t Youngest(Priority priority, uint64_t admitted, uint64_t queued) const {
    const uint64_t charged = charged_[static_cast<size_t>(priority)];
    return charged - ledger_.ChargedBefore(priority, admitted, queued, charged);
  }

 private:
  WorkLedger ledger_;
  uint64_t charged_[kPriorityCount] = {};
};

TEST(WorkLedger, SumsTheChargesOfTheYoungest) {
  Ledger ledger(4);
  const uint64_t charges[] = {10, 20, 40, 80};
  for (uint64_t i = 0; i < 4; ++i) ledger.Charge(Priority::kNormal, i, charges[i]);
  EXPECT_EQ(ledger.Youngest(Priority::kNormal, 4, 0), 0u);
  EXPECT_EQ(ledger.Youngest(Priority::kNormal, 4, 1), 80u);
  EXPECT_EQ(ledger.Youngest(Priority::kNormal, 4, 3), 140u);
  EXPECT_EQ(ledger.Youngest(Priority::kNormal, 4, 4), 150u);
}

TEST(WorkLedger, KeepsTheLevelsApart) {
  Ledger ledger(1);
  ledger.Charge(Priority::kHigh, 0, 1);
  ledger.Charge(Priority::kLow, 0, 100);
  EXPECT_EQ(ledger.Youngest(Priority::kHigh, 1, 1), 1u);
  EXPECT_EQ(ledger.Youngest(Priority::kNormal, 0, 0), 0u);
  EXPECT_EQ(ledger.Youngest(Priority::kLow, 1, 1), 100u);
}

TEST(WorkLedger, AgreesWithAQueueThatIsSummedAnewEachTime) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const uint32_t depth : {1u, 2u, 3u, 7u, 100u}) {
    Ledger ledger(depth);
    std::deque<uint64_t> queue;
    uint64_t admitted = 0;
    for (int step = 0; step < 5'000; ++step) {
      if (queue.size() < depth && random() % 2 == 0) {
        // Charges so large that the total of all wraps.
        queue.push_back(random() % 4 == 0 ? uint64_t{1} << 42 : random() % 1'000);
        ledger.Charge(Priority::kLow, admitted++, queue.back());
      } else if (!queue.empty()) {
        queue.pop_front();
      }
      ASSERT_EQ(ledger.Youngest(Priority::kLow, admitted, queue.size()),
                std::accumulate(queue.begin(), queue.end(), uint64_t{0}));
    }
  }
}

TEST(WorkLedger, StaysWithinWhatWasChargedWhateverItIsAsked) {
  Ledger ledger(4);
  EXPECT_EQ(ledger.Youngest(Priority::kHigh, 0, UINT64_MAX), 0u);
  ledger.Charge(Priority::kHigh, 0, 7);
  EXPECT_EQ(ledger.Youngest(Priority::kHigh, 1, UINT64_MAX), 7u);
}

}  // namespace
}  // namespace weft
