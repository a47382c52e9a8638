#include "weft/submitter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/fake_daemon.h"
#include "weft/client.h"
#include "weft/status_details.h"

// Proves that single tasks of many threads travel together, that each is answered once, and what
// happens when the window is full, the daemon refuses, the call breaks or the submitter goes. What
// a callback submits meets a call of which no event is taken until it returns.
namespace weft {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class TaskSubmitterTest : public testing::Test {
 protected:
  std::unique_ptr<TaskSubmitter> Open(const SubmitterOptions& options = {}) {
    return *client_->OpenSubmitter(options);
  }
  static v1::TaskSpec Spec(const std::string& handler, uint64_t tag = 0) {
    v1::TaskSpec spec;
    spec.set_handler(handler);
    spec.set_client_tag(tag);
    return spec;
  }
  // A promise of an answer, and the callback that keeps it.
  struct Promised {
    TaskSubmitter::Done done() {
      return [promise = promise](absl::StatusOr<v1::TaskResult> result) {
        promise->set_value(std::move(result));
      };
    }
    absl::StatusOr<v1::TaskResult> Get() { return promise->get_future().get(); }

    std::shared_ptr<std::promise<absl::StatusOr<v1::TaskResult>>> promise =
        std::make_shared<std::promise<absl::StatusOr<v1::TaskResult>>>();
  };

  FakeDaemon daemon_;
  std::unique_ptr<Client> client_ = *Client::Create({.target = daemon_.target()});
};

TEST_F(TaskSubmitterTest, AnswersEachTaskUnderItsOwnTag) {
  const auto submitter = Open({.window = 8});
  std::vector<Promised> promised(100);
  for (uint64_t tag = 0; tag < promised.size(); ++tag) {
    ASSERT_TRUE(submitter->Submit(Spec("echo", tag), promised[tag].done()).ok());
    EXPECT_LE(submitter->outstanding(), 8U);
  }
  for (uint64_t tag = 0; tag < promised.size(); ++tag) {
    const auto result = promised[tag].Get();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->client_tag(), tag);
  }
  EXPECT_EQ(submitter->outstanding(), 0U);
}

TEST_F(TaskSubmitterTest, WhatComesWhileAMessageIsOnItsWayTravelsTogether) {
  const auto submitter = Open({.max_batch = 16, .max_delay_ns = kSecond});
  std::atomic<int> answered{0};
  std::promise<void> all;
  const auto count = [&](const absl::StatusOr<v1::TaskResult>& result) {
    EXPECT_TRUE(result.ok()) << result.status();
    if (++answered == 10) all.set_value();
  };
  ASSERT_TRUE(submitter
                  ->Submit(Spec("echo"),
                           [&](const absl::StatusOr<v1::TaskResult>&) {
                             for (int i = 0; i < 10; ++i) {
                               EXPECT_TRUE(submitter->Submit(Spec("echo"), count).ok());
                             }
                           })
                  .ok());
  all.get_future().wait();
  EXPECT_GE(daemon_.largest_message, 9) << "the first may have had nothing to wait for";
}

TEST_F(TaskSubmitterTest, ACallbackMaySubmitMoreThanAMessageHolds) {
  const auto submitter = Open({.window = 100, .max_batch = 3, .max_delay_ns = kSecond});
  std::atomic<int> answered{0};
  std::promise<void> all;
  ASSERT_TRUE(submitter
                  ->Submit(Spec("echo"),
                           [&](const absl::StatusOr<v1::TaskResult>&) {
                             for (int i = 0; i < 50; ++i) {
                               const absl::Status status = submitter->Submit(
                                   Spec("echo"), [&](const absl::StatusOr<v1::TaskResult>& result) {
                                     EXPECT_TRUE(result.ok()) << result.status();
                                     if (++answered == 50) all.set_value();
                                   });
                               EXPECT_TRUE(status.ok()) << status;
                             }
                           })
                  .ok());
  all.get_future().wait();
  EXPECT_LE(daemon_.largest_message, 3);
}

TEST_F(TaskSubmitterTest, ATaskTooLargeForAMessageIsRefusedAndHurtsNobody) {
  const auto client = *Client::Create({.target = daemon_.target(), .max_message_bytes = 1'000});
  const auto submitter = *client->OpenSubmitter();
  v1::TaskSpec large = Spec("echo");
  large.set_payload(std::string(1'000, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(submitter->Run(large).status()));
  EXPECT_TRUE(submitter->Run(Spec("echo")).ok());
}

TEST_F(TaskSubmitterTest, LargeTasksTravelInMessagesOfTheirOwn) {
  const auto submitter = Open();
  std::vector<Promised> promised(8);
  for (Promised& each : promised) {
    v1::TaskSpec large = Spec("echo");
    large.set_payload(std::string(3 << 20, 'x'));
    ASSERT_TRUE(submitter->Submit(large, each.done()).ok());
  }
  for (Promised& each : promised) EXPECT_TRUE(each.Get().ok());
  EXPECT_EQ(daemon_.largest_message, 1);
}

TEST_F(TaskSubmitterTest, AFullWindowIsRefusedToWhoMustNotWait) {
  const auto submitter = Open({.window = 3});
  std::promise<std::vector<absl::Status>> answers;
  const auto ignore = [](const absl::StatusOr<v1::TaskResult>&) {};
  ASSERT_TRUE(submitter
                  ->Submit(Spec("echo"),
                           [&](const absl::StatusOr<v1::TaskResult>&) {
                             std::vector<absl::Status> all;
                             for (int i = 0; i < 3; ++i) {
                               all.push_back(submitter->Submit(Spec("echo"), ignore));
                             }
                             all.push_back(submitter->Submit(Spec("echo"), ignore, 0));
                             all.push_back(submitter->Submit(Spec("echo"), ignore));
                             answers.set_value(all);
                           })
                  .ok());
  const std::vector<absl::Status> all = answers.get_future().get();
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(all[i].ok()) << all[i];
  EXPECT_EQ(all[3].message(), "the submitter's window of 3 tasks is full");
  EXPECT_TRUE(absl::IsResourceExhausted(all[3]));
  EXPECT_TRUE(absl::IsResourceExhausted(all[4])) << "its own thread would wait for itself";
}

TEST_F(TaskSubmitterTest, NobodyWaitsForRoomBeyondHisTime) {
  const auto submitter = Open({.window = 1});
  Promised held;
  ASSERT_TRUE(submitter->Submit(Spec("hold"), held.done()).ok());
  const auto ignore = [](const absl::StatusOr<v1::TaskResult>&) {};
  EXPECT_TRUE(absl::IsResourceExhausted(submitter->Submit(Spec("echo"), ignore, 0)));
  EXPECT_TRUE(absl::IsResourceExhausted(submitter->Submit(Spec("echo"), ignore, 1'000'000)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(submitter->Run(Spec("echo"), 1'000'000).status()));
}

TEST_F(TaskSubmitterTest, ARefusedTaskIsToldWhy) {
  daemon_.refusals = 1;
  const auto submitter = Open();
  const absl::Status refused = submitter->Run(Spec("refuse")).status();
  EXPECT_EQ(ErrorReason(refused), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayNs(refused), 1'000'000);
  EXPECT_TRUE(submitter->Run(Spec("refuse")).ok());
}

TEST_F(TaskSubmitterTest, ABrokenCallIsToldToAllAndTheNextTaskBeginsAnother) {
  const auto submitter = Open();
  Promised held;
  ASSERT_TRUE(submitter->Submit(Spec("hold"), held.done()).ok());
  EXPECT_TRUE(absl::IsUnavailable(submitter->Run(Spec("break")).status()));
  EXPECT_TRUE(absl::IsUnavailable(held.Get().status()));
  EXPECT_TRUE(submitter->Run(Spec("echo")).ok());
  EXPECT_EQ(submitter->outstanding(), 0U);
}

TEST_F(TaskSubmitterTest, TellsOfADaemonThatIsNotThere) {
  const auto client = *Client::Create({.target = "127.0.0.1:1"});
  const auto submitter = *client->OpenSubmitter();
  EXPECT_TRUE(absl::IsUnavailable(submitter->Run(Spec("echo")).status()));
  EXPECT_TRUE(absl::IsUnavailable(submitter->Run(Spec("echo")).status()));
}

TEST_F(TaskSubmitterTest, WhatIsLeftWhenItGoesIsToldSo) {
  auto submitter = Open();
  Promised held;
  ASSERT_TRUE(submitter->Submit(Spec("hold"), held.done()).ok());
  absl::Status late;
  TaskSubmitter* const same = submitter.get();
  ASSERT_TRUE(submitter
                  ->Submit(Spec("hold"),
                           [&](const absl::StatusOr<v1::TaskResult>&) {
                             late = same->Submit(Spec("echo"),
                                                 [](const absl::StatusOr<v1::TaskResult>&) {});
                           })
                  .ok());
  submitter.reset();
  EXPECT_TRUE(absl::IsCancelled(held.Get().status()));
  EXPECT_TRUE(absl::IsCancelled(late)) << late;
}

TEST_F(TaskSubmitterTest, MayBeDestroyedAtAnyMoment) {
  { const auto unused = Open(); }
  for (int i = 0; i < 20; ++i) {
    const auto submitter = Open();
    ASSERT_TRUE(submitter->Submit(Spec("echo"), [](const absl::StatusOr<v1::TaskResult>&) {}).ok());
    if (i % 2 == 0) {
      ASSERT_TRUE(submitter->Run(Spec("echo")).ok());
    }
  }
}

TEST_F(TaskSubmitterTest, RunGivesUpAtItsTimeAndIsRefusedOnItsOwnThread) {
  const auto submitter = Open();
  EXPECT_TRUE(absl::IsDeadlineExceeded(submitter->Run(Spec("hold"), 1'000'000).status()));
  std::promise<absl::Status> within;
  ASSERT_TRUE(submitter
                  ->Submit(Spec("echo"),
                           [&](const absl::StatusOr<v1::TaskResult>&) {
                             within.set_value(submitter->Run(Spec("echo")).status());
                           })
                  .ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(within.get_future().get()));
}

TEST_F(TaskSubmitterTest, ManyThreadsShareOneCall) {
  constexpr uint64_t kThreads = 8;
  constexpr uint64_t kEach = 100;
  const auto submitter = Open({.window = 5, .max_batch = 3});
  std::atomic<uint64_t> right{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const uint64_t tag = t * kEach + i;
        const auto result = submitter->Run(Spec("echo", tag));
        if (result.ok() && result->client_tag() == tag) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kEach);
  EXPECT_LE(daemon_.largest_message, 3);
}

TEST_F(TaskSubmitterTest, RefusesOptionsOutOfRange) {
  const auto refusal = [&](const SubmitterOptions& options) {
    return std::string(client_->OpenSubmitter(options).status().message());
  };
  EXPECT_EQ(refusal({.window = 0}), "window is 0, must be from 1 to 1048576");
  EXPECT_EQ(refusal({.max_batch = 1025}), "max_batch is 1025, must be from 1 to 1024");
  EXPECT_EQ(refusal({.max_delay_ns = -1}), "max_delay_ns is -1, must be from 0 to 1000000000");
}

}  // namespace
}  // namespace weft
