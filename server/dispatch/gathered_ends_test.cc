// Ends that have nothing of their own to tell are told together, and all else as before: by itself,
// in its place.
#include "dispatch/gathered_ends.h"

#include <deque>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

class TestWatcher final : public TaskWatcher {
 public:
  void OnEvent(TaskEventKind, const TaskSummary&) override {}
};

class GatheredEndsTest : public DispatcherFixture, public ResultGatherer {
 protected:
  // One that may be told with others, or hears by itself.
  class Receiver final : public ResultReceiver {
   public:
    Receiver(GatheredEndsTest& test, ResultGatherer* gatherer) : test_(test) {
      set_gatherer(gatherer);
    }
    void OnResult(const TaskResult& result, bool /*ended*/) override {
      test_.Note(*this, {});
      state = result.state;
    }
    TaskState state = TaskState::kQueued;

   private:
    GatheredEndsTest& test_;
  };
  // What was heard, in that order; calls of one answer together.
  struct Heard {
    size_t receiver = 0;
    size_t together = 0;
    PlainResult result;
    std::string output;
  };

  GatheredEndsTest() {
    options_.max_queue_depth = 64;
    options_.max_waiters = 64;
  }

  void OnResults(const PlainResults& results, std::span<ResultReceiver* const> receivers) override {
    last_ = results;
    size_t bytes = 0;
    ASSERT_EQ(results.each.size(), receivers.size());
    for (size_t i = 0; i < receivers.size(); ++i) {
      auto& receiver = static_cast<Receiver&>(*receivers[i]);
      Note(receiver, results.each[i]);
      heard_.back().together = receivers.size();
      bytes += results.each[i].output.size();
      receiver.state = TaskState::kSucceeded;
    }
    EXPECT_EQ(bytes, results.output_bytes);
    if (then_) std::exchange(then_, nullptr)();
  }
  void Note(Receiver& receiver, const PlainResult& result) {
    size_t index = 0;
    while (&receivers_[index] != &receiver) ++index;
    heard_.push_back({index, 0, result, std::string(result.output)});
  }
  // Index of the receiver.
  size_t Ask(const TaskSpec& spec, PayloadBlock& block, bool retain = false) {
    receivers_.emplace_back(*this, this);
    EXPECT_FALSE(dispatcher_->Submit(
        spec, "spec", block, {.receiver = &receivers_.back(), .retain = retain}, &accepted_));
    ids_.push_back(accepted_.id);
    return receivers_.size() - 1;
  }
  size_t Ask(const TaskSpec& spec, bool retain = false) { return Ask(spec, block_, retain); }
  std::vector<size_t> Order() const {
    std::vector<size_t> order;
    for (const Heard& heard : heard_) order.push_back(heard.receiver);
    return order;
  }
  std::vector<size_t> Together() const {
    std::vector<size_t> together;
    for (const Heard& heard : heard_) together.push_back(heard.together);
    return together;
  }

  TaskSpec echo_{.handler = "echo", .payload = "what was sent", .client_tag = 7};
  std::deque<Receiver> receivers_;
  std::vector<TaskId> ids_;
  std::vector<Heard> heard_;
  PlainResults last_;
  std::function<void()> then_;
};

using Indexes = std::vector<size_t>;

TEST_F(GatheredEndsTest, TellEachWhatItWouldHaveBeenToldAlone) {
  Build();
  echo_.priority = Priority::kHigh;
  TestReceiver alone;
  MustSubmit(echo_, {.receiver = &alone});
  for (int i = 0; i < 3; ++i) {
    echo_.client_tag = 100 + static_cast<uint64_t>(i);
    Ask(echo_);
  }
  now_ += 500;
  uint32_t held = 0;
  then_ = [&] { held = block_.holders(); };
  TurnAll();
  EXPECT_EQ(Order(), (Indexes{0, 1, 2}));
  EXPECT_EQ(Together(), (Indexes{3, 3, 3}));
  EXPECT_EQ(held, 3u) << "their outputs are payloads";
  EXPECT_EQ(block_.holders(), 0u);
  EXPECT_EQ(block_.released, 1);
  EXPECT_EQ(last_.cpu, alone.result.cpu);
  EXPECT_EQ(last_.priority, Priority::kHigh);
  for (size_t i = 0; i < 3; ++i) {
    const PlainResult& result = heard_[i].result;
    EXPECT_EQ(result.id, ids_[i]);
    EXPECT_EQ(result.client_tag, 100 + i);
    EXPECT_EQ(result.submitted_at_ns, alone.result.submitted_at_ns);
    EXPECT_EQ(result.started_at_ns, alone.result.started_at_ns);
    EXPECT_EQ(result.completed_at_ns, alone.result.completed_at_ns);
    EXPECT_EQ(heard_[i].output, alone.output);
    EXPECT_TRUE(Gone(ids_[i]));
  }
  ExpectPromisesKept();
}

TEST_F(GatheredEndsTest, CountAsThoseOfEachAlone) {
  AddHandler("takes 300", true, [this](TaskContext&) {
    now_ += 300;
    return TaskOutcome::kSucceeded;
  });
  Build();
  for (int i = 0; i < 5; ++i) Ask({.handler = "takes 300", .payload = "four"});
  dispatcher_->Flush();
  TurnAll();
  ASSERT_EQ(Together(), Indexes(5, 5));
  const StatsSnapshot stats = dispatcher_->Snapshot();
  EXPECT_EQ(stats.succeeded, 5u);
  EXPECT_EQ(stats.in_flight, 0u);
  EXPECT_EQ(stats.lifetime.executed, 5u);
  EXPECT_EQ(stats.lifetime.failed, 0u);
  EXPECT_EQ(stats.lifetime.total_ns, 1'500u);
  EXPECT_EQ(stats.lifetime.min_ns, 300u);
  EXPECT_EQ(stats.lifetime.max_ns, 300u);
  dispatcher_->Tick(now_ += 2'000'000'000);
  EXPECT_EQ(dispatcher_->stats().in_flight_bytes.value(), 0);
  ExpectPromisesKept();
}

TEST_F(GatheredEndsTest, WhatIsNotPlainIsToldByItselfAndInItsPlace) {
  Build();
  Ask(echo_);
  Ask(echo_);
  Ask({.handler = "fail"});
  Ask(echo_);
  Ask(echo_, /*retain=*/true);
  Ask({.handler = "echo"});
  const size_t asked_for_twice = Ask(echo_);
  TestReceiver beside;
  ASSERT_FALSE(dispatcher_->Wait(ids_[asked_for_twice], std::nullopt, beside));
  Ask(echo_);
  TurnAll();
  EXPECT_EQ(Order(), (Indexes{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(Together(), (Indexes{2, 2, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(receivers_[2].state, TaskState::kFailed);
  EXPECT_EQ(beside.calls, 1);
  EXPECT_EQ(beside.output, echo_.payload);
  EXPECT_EQ(StateOf(ids_[4]), TaskState::kSucceeded) << "it was to be kept";
  EXPECT_EQ(block_.holders(), 0u);
  ExpectPromisesKept();
}

TEST_F(GatheredEndsTest, OneThatWasSuspendedIsToldByItself) {
  Build();
  Ask({.handler = "sleep"});
  Ask(echo_);
  TurnAll();
  now_ += 2'000'000;
  TurnAll();
  EXPECT_EQ(Order(), (Indexes{1, 0}));
  EXPECT_EQ(Together(), (Indexes{1, 0}));
}

TEST_F(GatheredEndsTest, OnlyThoseOfOneMessageOneLevelAndOneOwnerAreToldTogether) {
  Build();
  TestBlock other;
  Ask(echo_);
  Ask(echo_, other);
  Ask(echo_, other);
  TestReceiver of_nobody;
  MustSubmit(echo_, {.receiver = &of_nobody});
  Ask(echo_);
  TurnAll();
  EXPECT_EQ(Order(), (Indexes{0, 1, 2, 3}));
  EXPECT_EQ(Together(), (Indexes{1, 2, 2, 1}));
  EXPECT_EQ(of_nobody.calls, 1);
  EXPECT_EQ(other.released, 1);
  heard_.clear();
  echo_.priority = Priority::kHigh;
  Ask(echo_);
  echo_.priority = Priority::kLow;
  Ask(echo_);
  TurnAll();
  EXPECT_EQ(Together(), (Indexes{1, 1}));
  ExpectPromisesKept();
}

TEST_F(GatheredEndsTest, AreToldInPartsOfABoundedSize) {
  Build();
  for (size_t i = 0; i < GatheredEnds::kMax + 3; ++i) Ask(echo_);
  TurnAll();
  ASSERT_EQ(heard_.size(), GatheredEnds::kMax + 3);
  EXPECT_EQ(heard_.front().together, GatheredEnds::kMax);
  EXPECT_EQ(heard_.back().together, 3u);
  EXPECT_EQ(block_.holders(), 0u);
}

// The slot is still named by the cancel.
TEST_F(GatheredEndsTest, OneThatIsBeingCancelledKeepsItsSlotUntilThatIsAnswered) {
  Build();
  const size_t index = Ask(echo_);
  Ask(echo_);
  dispatcher_->Flush();
  cores_[0]->Turn();
  TestCancelReceiver cancel;
  ASSERT_FALSE(dispatcher_->Cancel(ids_[index], CancelReason::kClient, &cancel));
  dispatcher_->Collect();
  EXPECT_EQ(Together(), (Indexes{0, 1}));
  EXPECT_EQ(cancel.calls, 0);
  TurnAll();
  EXPECT_EQ(cancel.calls, 1);
  EXPECT_EQ(cancel.outcome, CancelOutcome::kAlreadyEnded);
  ExpectPromisesKept();
}

// Of what comes after it in the same drain.
TEST_F(GatheredEndsTest, WhoeverHearsMayCancelAndSubmit) {
  Build();
  TestBlock other;
  Ask(echo_);
  const size_t next = Ask(echo_, other);
  TestCancelReceiver cancel;
  then_ = [&] {
    EXPECT_FALSE(dispatcher_->Cancel(ids_[next], CancelReason::kClient, &cancel));
    Ask(echo_);
  };
  TurnAll();
  EXPECT_EQ(Order(), (Indexes{0, 1}));
  EXPECT_EQ(Together(), (Indexes{1, 0}));
  TurnAll();
  EXPECT_EQ(cancel.calls, 1);
  EXPECT_EQ(Order(), (Indexes{0, 1, 2}));
  ExpectPromisesKept();
}

TEST_F(GatheredEndsTest, NoneAreToldTogetherWhileSomebodyWatches) {
  Build();
  TestWatcher watcher;
  dispatcher_->Watch(watcher, {});
  Ask(echo_);
  Ask(echo_);
  TurnAll();
  dispatcher_->Unwatch(watcher);
  Ask(echo_);
  TurnAll();
  EXPECT_EQ(Together(), (Indexes{0, 0, 1}));
}

TEST_F(GatheredEndsTest, NoneAreToldTogetherWithoutTimes) {
  options_.timing_metrics = false;
  Build();
  Ask(echo_);
  Ask(echo_);
  TurnAll();
  EXPECT_EQ(Together(), (Indexes{0, 0}));
  EXPECT_EQ(receivers_[0].state, TaskState::kSucceeded);
}

}  // namespace
}  // namespace weft
