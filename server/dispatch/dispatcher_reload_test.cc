// Bounds that change while tasks are under way: the new ones hold at once, and what is beyond them
// ends in order.
#include <gtest/gtest.h>

#include <deque>

#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

constexpr uint32_t kStallThresholdMs = 100;

class ReconfigureTest : public DispatcherFixture {
 protected:
  void Reconfigure(uint32_t stall_threshold_ms = kStallThresholdMs) {
    dispatcher_->Reconfigure(options_, stall_threshold_ms);
  }
  TaskId Keep() {
    const TaskId id = MustSubmit({.handler = "echo", .payload = "123456"}, {.retain = true});
    TurnAll();
    return id;
  }
};

TEST_F(ReconfigureTest, HoldsPayloadsToTheNewBound) {
  Build();
  MustSubmit({.handler = "sleep", .payload = "12345678"});
  options_.max_in_flight_bytes = 10;
  Reconfigure();
  EXPECT_EQ(Submit({.handler = "echo", .payload = "123"})->reason,
            RefusalReason::kPayloadBytesFull);
  options_.max_in_flight_bytes = 11;
  Reconfigure();
  MustSubmit({.handler = "echo", .payload = "123"});
  TurnAll();
}

TEST_F(ReconfigureTest, HoldsWaitsToTheNewBoundsAndLeavesThoseBeyondAlone) {
  Build();
  const TaskId id = MustSubmit({.handler = "sleep"});
  std::deque<TestReceiver> waiters(8);
  for (size_t i = 0; i < 4; ++i) EXPECT_FALSE(dispatcher_->Wait(id, 1'000, waiters[i]));
  options_.max_waiters = 2;
  options_.max_wait_ns = 5'000;
  Reconfigure();
  EXPECT_EQ(dispatcher_->Wait(id, 1'000, waiters[4])->reason, RefusalReason::kWaitersFull);
  EXPECT_EQ(dispatcher_->Wait(id, 5'001, waiters[4])->reason, RefusalReason::kInvalidField);
  for (size_t i = 0; i < 3; ++i) dispatcher_->Leave(waiters[i]);
  EXPECT_FALSE(dispatcher_->Wait(id, 5'000, waiters[4]));
  options_.max_waiters = 7;
  Reconfigure();
  for (size_t i = 0; i < 3; ++i) EXPECT_FALSE(dispatcher_->Wait(id, 1'000, waiters[i]));
  now_ += 5'000;
  dispatcher_->Tick(now_);
  for (const size_t i : {0, 1, 2, 3, 4}) EXPECT_EQ(waiters[i].calls, 1) << i;
}

TEST_F(ReconfigureTest, DropsKeptResultsThatAreBeyondTheNewBounds) {
  options_.results_max_bytes = 100;
  Build();
  const TaskId oldest = Keep();
  const TaskId older = Keep();
  now_ += 1'000;
  const TaskId newest = Keep();
  options_.results_max_bytes = 12;
  Reconfigure();
  dispatcher_->Tick(now_);
  EXPECT_TRUE(Gone(oldest));
  EXPECT_FALSE(Gone(older));
  options_.results_max_age_ns = 500;
  Reconfigure();
  dispatcher_->Tick(now_);
  EXPECT_TRUE(Gone(older));
  EXPECT_FALSE(Gone(newest));
}

TEST_F(ReconfigureTest, TellsTheNewTarget) {
  Build();
  options_.target_latency_ns = 77;
  Reconfigure();
  EXPECT_EQ(dispatcher_->Snapshot().target_latency_ns, 77);
  EXPECT_EQ(dispatcher_->stats().target_latency_ns.value(), 77);
}

TEST_F(ReconfigureTest, LooksForStallsByTheNewThreshold) {
  AddHandler("hold", true, [this](TaskContext&) {
    for (int look = 0; look < 10; ++look) {
      now_ += 1'000'000;
      dispatcher_->Tick(now_);
    }
    return TaskOutcome::kSucceeded;
  });
  Build();
  MustSubmit({.handler = "hold"});
  TurnAll();
  EXPECT_EQ(dispatcher_->stats().cores[0].stalls.value(), 0u);
  Reconfigure(/*stall_threshold_ms=*/4);
  MustSubmit({.handler = "hold"});
  TurnAll();
  EXPECT_EQ(dispatcher_->stats().cores[0].stalls.value(), 1u);
}

}  // namespace
}  // namespace weft
