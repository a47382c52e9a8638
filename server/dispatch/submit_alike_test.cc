// Tasks that are alike are admitted at once as they would be one by one, or not at all.
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

class TestWatcher final : public TaskWatcher {
 public:
  void OnEvent(TaskEventKind, const TaskSummary&) override {}
};

class SubmitAlikeTest : public DispatcherFixture {
 protected:
  SubmitAlikeTest() {
    options_.max_queue_depth = 8;
    tasks_max_ = 32;
    spec_.handler = "echo";
  }

  // So many with payloads and tags of their own.
  bool SubmitAlike(size_t count) {
    tasks_.clear();
    for (size_t i = 0; i < count; ++i) {
      payloads_.push_back("payload " + std::to_string(i));
      receivers_.emplace_back();
      tasks_.push_back({payloads_.back(), 100 + i, &receivers_.back(), {}});
    }
    return dispatcher_->SubmitAlike(spec_, tasks_, block_, now_);
  }
  // And nothing is left of the try.
  void ExpectNoneTaken(size_t count) {
    const uint64_t in_flight = dispatcher_->in_flight();
    const uint64_t accepted = dispatcher_->stats().accepted.value();
    const uint32_t holders = block_.holders();
    EXPECT_FALSE(SubmitAlike(count));
    EXPECT_EQ(dispatcher_->in_flight(), in_flight);
    EXPECT_EQ(dispatcher_->stats().accepted.value(), accepted);
    EXPECT_EQ(block_.holders(), holders);
    EXPECT_FALSE(dispatcher_->HasStaged());
    for (const AlikeTask& task : tasks_) EXPECT_EQ(task.id, TaskId());
  }
  // What is asked for first is looked at as a whole.
  void RunOne() {
    MustSubmit(spec_);
    TurnAll();
  }

  TaskSpec spec_;
  std::deque<std::string> payloads_;
  std::deque<TestReceiver> receivers_;
  std::vector<AlikeTask> tasks_;
};

TEST_F(SubmitAlikeTest, EachRunsAndIsAnsweredAsIfAlone) {
  Build();
  spec_.priority = Priority::kHigh;
  RunOne();
  const uint64_t accepted = dispatcher_->stats().accepted.value();
  now_ += 50;
  const int64_t at_ns = env_.anchor().ToUnixNs(now_);
  ASSERT_TRUE(SubmitAlike(5));
  EXPECT_EQ(dispatcher_->in_flight(), 5u);
  EXPECT_EQ(dispatcher_->stats().accepted.value(), accepted + 5);
  EXPECT_EQ(block_.holders(), 5u);
  for (const AlikeTask& task : tasks_) EXPECT_EQ(StateOf(task.id), TaskState::kQueued);
  now_ += 1000;
  TurnAll();
  for (size_t i = 0; i < tasks_.size(); ++i) {
    EXPECT_EQ(receivers_[i].calls, 1);
    EXPECT_EQ(receivers_[i].output, payloads_[i]);
    EXPECT_EQ(receivers_[i].result.id, tasks_[i].id);
    EXPECT_EQ(receivers_[i].result.client_tag, 100 + i);
    EXPECT_EQ(receivers_[i].result.state, TaskState::kSucceeded);
    EXPECT_EQ(receivers_[i].result.priority, Priority::kHigh);
    EXPECT_EQ(receivers_[i].result.submitted_at_ns, at_ns);
    EXPECT_GE(receivers_[i].result.queue_latency_ns, 1000);
    EXPECT_TRUE(Gone(tasks_[i].id));
    for (size_t j = 0; j < i; ++j) EXPECT_NE(tasks_[i].id, tasks_[j].id);
  }
  EXPECT_EQ(block_.holders(), 0u);
  ExpectPromisesKept();
}

TEST_F(SubmitAlikeTest, EachCanBeCancelledByItself) {
  Build();
  RunOne();
  ASSERT_TRUE(SubmitAlike(3));
  TestCancelReceiver cancel;
  ASSERT_FALSE(dispatcher_->Cancel(tasks_[1].id, CancelReason::kClient, &cancel));
  TurnAll();
  EXPECT_EQ(receivers_[0].result.state, TaskState::kSucceeded);
  EXPECT_EQ(receivers_[1].result.state, TaskState::kCancelled);
  EXPECT_EQ(receivers_[2].result.state, TaskState::kSucceeded);
  EXPECT_EQ(cancel.calls, 1);
  ExpectPromisesKept();
}

TEST_F(SubmitAlikeTest, FillsAQueueToItsBoundAndNoFurther) {
  Build();
  RunOne();
  ASSERT_TRUE(SubmitAlike(6));
  dispatcher_->Flush();
  ExpectNoneTaken(3);
  ASSERT_TRUE(SubmitAlike(2));
  dispatcher_->Flush();
  ExpectNoneTaken(1);
  const auto refusal = Submit(spec_);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kQueueFull);
  TurnAll();
  ExpectPromisesKept();
}

TEST_F(SubmitAlikeTest, NoneIsTakenBeyondTheSlots) {
  tasks_max_ = 4;
  Build();
  RunOne();
  const uint32_t slots = cores_[0]->options().door_slots();
  ASSERT_LT(slots, options_.max_queue_depth) << "otherwise the queue's bound is met first";
  ExpectNoneTaken(slots + 1);
  EXPECT_TRUE(SubmitAlike(slots));
  TurnAll();
  EXPECT_TRUE(SubmitAlike(slots)) << "all were freed";
  TurnAll();
  ExpectPromisesKept();
}

TEST_F(SubmitAlikeTest, NoneIsTakenBeyondTheBoundsOfBytes) {
  options_.max_payload_bytes = 60;
  options_.max_in_flight_bytes = 70;
  Build();
  RunOne();
  ExpectNoneTaken(7);  // 63 bytes: any of them could be too large.
  ASSERT_TRUE(SubmitAlike(6));
  dispatcher_->Flush();
  ExpectNoneTaken(2);  // 72 bytes in flight.
  ASSERT_TRUE(SubmitAlike(1));
  TurnAll();
  EXPECT_TRUE(SubmitAlike(6)) << "their bytes were let go";
  TurnAll();
}

TEST_F(SubmitAlikeTest, WhatNeedsMoreThanALookIsLeftToSubmit) {
  Build();
  ExpectNoneTaken(2);  // Its handler was not looked up yet.
  RunOne();
  spec_.handler = "nobody";
  ExpectNoneTaken(2);
  spec_.handler = "fail";  // There is such a one, but the last was another.
  ExpectNoneTaken(2);
  spec_.handler = "echo";
  dispatcher_->Hold(*Find("echo"));
  Find("echo")->paused.Set(true);
  ExpectNoneTaken(2);
  Find("echo")->paused.Set(false);
  dispatcher_->Release(*Find("echo"));
  TurnAll();
  EXPECT_TRUE(SubmitAlike(2));
  TurnAll();
  dispatcher_->BeginDrain();
  ExpectNoneTaken(2);
}

TEST_F(SubmitAlikeTest, OfSeveralCoresEachTaskFindsItsOwn) {
  Build(/*core_count=*/2);
  for (int i = 0; i < 40; ++i) RunOne();
  ExpectNoneTaken(2);
}

TEST_F(SubmitAlikeTest, NoneIsTakenWhileSomebodyWatches) {
  Build();
  RunOne();
  TestWatcher watcher;
  dispatcher_->Watch(watcher, {});
  ExpectNoneTaken(2);
  dispatcher_->Unwatch(watcher);
  EXPECT_TRUE(SubmitAlike(2));
  TurnAll();
}

}  // namespace
}  // namespace weft
