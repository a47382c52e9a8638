// Proves, by hand and with a scripted system, what is different about operations that wait for a
// peer: they take no entry of the ring, an operation's own limit is told apart from a cancel and
// from the task's deadline, and what is transferred in parts shares one limit.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "core/core_fixture.h"
#include "executor/stream_call.h"
#include "executor/task_io.h"

namespace weft {
namespace {

constexpr int64_t kLimitNs = 10'000'000;

class CoreAwaitTest : public CoreTest {
 protected:
  // Receives once and answers with the result.
  const TaskEntry* Receiver(int64_t limit_ns = kNoTimeLimit) {
    return Suspending([limit_ns](TaskContext& context) {
      char buffer[8];
      const int64_t result = ReadSome(context, {.fd = 1}, buffer, limit_ns);
      context.output() = std::to_string(result);
      return result == -ECANCELED ? context.Stop() : TaskOutcome::kSucceeded;
    });
  }
  const TaskEntry* FileReader() {
    return Suspending([](TaskContext& context) {
      char buffer[8];
      context.output() = std::to_string(TaskIo(context).Read(2, buffer, 0));
      return TaskOutcome::kSucceeded;
    });
  }
  static std::string OutputOf(const Completion& completion) {
    return std::string(completion.output());
  }
};

TEST_F(CoreAwaitTest, WaitsForPeersTakeNoEntry) {
  system_.capacity = 1;
  Build([](CoreOptions& options) { options.stacks = 16; });
  const TaskEntry* const receiver = Receiver();
  for (int i = 0; i < 8; ++i) Submit(receiver);
  core_->Turn();
  EXPECT_EQ(system_.under_way.size(), 8u);
  EXPECT_EQ(core_->stats().io.awaited.value(), 8);
  EXPECT_EQ(core_->stats().io.in_flight.value(), 0);
  EXPECT_EQ(core_->stats().io.entry_waits.value(), 0u);
  Submit(FileReader());
  Submit(FileReader());
  core_->Turn();
  EXPECT_EQ(system_.under_way.size(), 9u) << "one file at a time, as the ring has one entry";
  EXPECT_EQ(core_->stats().io.waiting.value(), 1);
  system_.Complete(0, 1);
  core_->Turn();
  EXPECT_EQ(system_.under_way.size(), 8u) << "the end of a wait frees no entry";
  system_.Complete(7, 8);
  core_->Turn();
  EXPECT_EQ(system_.under_way.size(), 8u) << "the other file";
  EXPECT_EQ(core_->stats().io.waiting.value(), 0);
  while (!system_.under_way.empty()) system_.Complete(0, 1);
  // The file's task reads on to the end.
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  system_.Complete(0, 0);
  core_->Turn();
  EXPECT_EQ(core_->stats().io.awaited.value(), 0);
  EXPECT_EQ(Drain().size(), 10u);
  ExpectConserved();
}

TEST_F(CoreAwaitTest, AnOperationsOwnLimitIsNoCancel) {
  Build();
  Submit(Receiver(kLimitNs));
  core_->Turn();
  now_ += kLimitNs - 10'000;
  core_->Turn();
  EXPECT_TRUE(system_.cancels.empty()) << "not yet";
  now_ += 20'000;
  core_->Turn();
  ASSERT_EQ(system_.cancels.size(), 1u);
  EXPECT_TRUE(Drain().empty()) << "the kernel may still write to its stack";
  system_.Complete(0, -ECANCELED);
  const Completion end = TurnForOne();
  EXPECT_EQ(end.state, TaskState::kSucceeded);
  EXPECT_EQ(OutputOf(end), std::to_string(-ETIME));
  ExpectConserved();
}

TEST_F(CoreAwaitTest, WhatCameBeforeTheLimitWasHeardIsTheResult) {
  Build();
  Submit(Receiver(kLimitNs));
  core_->Turn();
  now_ += 2 * kLimitNs;
  core_->Turn();
  ASSERT_EQ(system_.cancels.size(), 1u);
  system_.Complete(0, 5);
  EXPECT_EQ(OutputOf(TurnForOne()), "5");
}

TEST_F(CoreAwaitTest, ACancelBeforeTheLimitIsACancel) {
  Build();
  const uint32_t slot = Submit(Receiver(kLimitNs));
  core_->Turn();
  Cancel(slot);
  core_->Turn();
  now_ += 2 * kLimitNs;  // The limit passes while the system's last answer is awaited.
  core_->Turn();
  EXPECT_EQ(system_.cancels.size(), 1u);
  system_.Complete(0, -ECANCELED);
  core_->Turn();
  EXPECT_EQ(Drain().back().state, TaskState::kCancelled);
}

TEST_F(CoreAwaitTest, ADeadlineBeforeTheLimitIsTheDeadline) {
  Build();
  Submit(Receiver(kLimitNs), Priority::kNormal, kLimitNs / 2);
  core_->Turn();
  now_ += kLimitNs / 2 + 10'000;
  core_->Turn();
  ASSERT_EQ(system_.cancels.size(), 1u);
  system_.Complete(0, -ECANCELED);
  EXPECT_EQ(TurnForOne().state, TaskState::kExpired);
}

TEST_F(CoreAwaitTest, TheLimitOfOneOperationIsGoneForTheNext) {
  Build();
  Submit(Suspending([](TaskContext& context) {
    char buffer[8];
    EXPECT_EQ(ReadSome(context, {.fd = 1}, buffer, kLimitNs), -ETIME);
    EXPECT_EQ(ReadSome(context, {.fd = 1}, buffer, kNoTimeLimit), 3);
    return TaskOutcome::kSucceeded;
  }));
  core_->Turn();
  now_ += 2 * kLimitNs;
  core_->Turn();
  system_.Complete(0, -ECANCELED);
  core_->Turn();
  now_ += 100 * kLimitNs;
  core_->Turn();
  EXPECT_EQ(system_.cancels.size(), 1u);
  ASSERT_EQ(system_.under_way.size(), 1u);
  system_.Complete(0, 3);
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
}

TEST_F(CoreAwaitTest, AllPartsOfATransferShareOneLimit) {
  Build();
  int64_t result = 0;
  Submit(Suspending([&](TaskContext& context) {
    result = WriteFully(context, {.fd = 1, .kind = sys::IoKind::kSend}, "eight by", kLimitNs);
    return TaskOutcome::kSucceeded;
  }));
  core_->Turn();
  now_ += kLimitNs / 2;
  system_.Complete(0, 3);
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(std::string(system_.under_way[0]->data, system_.under_way[0]->bytes), "ht by");
  EXPECT_LE(system_.under_way[0]->time_limit_ns, kLimitNs / 2);
  now_ += kLimitNs / 2 + 10'000;
  core_->Turn();
  ASSERT_EQ(system_.cancels.size(), 1u);
  system_.Complete(0, -ECANCELED);
  core_->Turn();
  EXPECT_EQ(result, -ETIME);
}

TEST_F(CoreAwaitTest, ALimitThatPassesBetweenTwoPartsAsksForNoMore) {
  Build();
  int64_t result = 0;
  Submit(Suspending([&](TaskContext& context) {
    char buffer[8];
    result = ReadFully(context, {.fd = 1}, buffer, kLimitNs);
    return TaskOutcome::kSucceeded;
  }));
  core_->Turn();
  system_.Complete(0, 3);
  now_ += 2 * kLimitNs;  // At once with the completion, which is taken first.
  core_->Turn();
  while (!system_.under_way.empty()) {
    system_.Complete(0, -ECANCELED);
    core_->Turn();
  }
  EXPECT_EQ(result, -ETIME);
}

TEST_F(CoreAwaitTest, ALimitThatHasPassedAsksForNothing) {
  Build();
  Submit(Suspending([](TaskContext& context) {
    char buffer[8];
    EXPECT_EQ(ReadSome(context, {.fd = 1}, buffer, -1), -ETIME);
    EXPECT_EQ(WriteFully(context, {.fd = 1}, "bytes", -1), -ETIME);
    return TaskOutcome::kSucceeded;
  }));
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
  EXPECT_TRUE(system_.under_way.empty());
}

// Linux before 6.0 may answer so for what is non-blocking.
TEST_F(CoreAwaitTest, WhatWouldBlockIsAwaitedAndAskedForAgain) {
  Build();
  Submit(Receiver());
  core_->Turn();
  system_.Complete(0, -EAGAIN);
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(system_.under_way[0]->kind, sys::IoKind::kPoll);
  system_.Complete(0, 1);
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(system_.under_way[0]->kind, sys::IoKind::kReceive);
  system_.Complete(0, -EINTR);
  core_->Turn();
  EXPECT_EQ(system_.under_way[0]->kind, sys::IoKind::kReceive);
  system_.Complete(0, 4);
  EXPECT_EQ(OutputOf(TurnForOne()), "4");
}

TEST_F(CoreAwaitTest, AWriteThatTakesNothingIsAnErrorAndNotAskedForAgain) {
  Build();
  int64_t result = 0;
  Submit(Suspending([&](TaskContext& context) {
    result = WriteFully(context, {.fd = 1, .kind = sys::IoKind::kSend}, "bytes", kNoTimeLimit);
    return TaskOutcome::kSucceeded;
  }));
  core_->Turn();
  system_.Complete(0, 0);
  core_->Turn();
  EXPECT_EQ(result, -EIO);
}

TEST_F(CoreAwaitTest, NothingIsAskedForAnEmptyBuffer) {
  Build();
  Submit(Suspending([](TaskContext& context) {
    EXPECT_EQ(ReadSome(context, {.fd = 1}, {}, kNoTimeLimit), 0);
    EXPECT_EQ(ReadFully(context, {.fd = 1}, {}, kNoTimeLimit), 0);
    EXPECT_EQ(WriteFully(context, {.fd = 1}, "", kNoTimeLimit), 0);
    EXPECT_EQ(WriteSome(context, {.fd = 1}, "", kNoTimeLimit), 0);
    return TaskOutcome::kSucceeded;
  }));
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
  EXPECT_TRUE(system_.under_way.empty());
}

}  // namespace
}  // namespace weft
