#include "client/retry.h"

#include <gtest/gtest.h>

#include <vector>

#include "client/status_convert.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "weft/status_details.h"

// Proves which errors are tried again, how long each wait is, and when trying ends. Time, sleep and
// chance are the test's own.
namespace weft {
namespace {

constexpr int64_t kMs = 1'000'000;

absl::Status Refusal(absl::StatusCode code, int64_t delay_ns) {
  google::rpc::Status status;
  status.set_code(static_cast<int>(code));
  status.set_message("the queue is full");
  google::rpc::ErrorInfo info;
  info.set_domain("weft");
  info.set_reason("QUEUE_FULL");
  status.add_details()->PackFrom(info);
  if (delay_ns > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay_ns));
    status.add_details()->PackFrom(retry);
  }
  return FromRpcStatus(status);
}

// Answers each try with the next status of a list, and remembers every sleep.
struct Script {
  explicit Script(std::vector<absl::Status> statuses) : answers(std::move(statuses)) {}

  absl::Status Call(Repeat repeat, const RetryOptions& options, int64_t timeout_ns) {
    const RetryEnvironment environment = {.now_ns = [this] { return now_ns; },
                                          .sleep_ns =
                                              [this](int64_t ns) {
                                                sleeps.push_back(ns);
                                                now_ns += ns;
                                              },
                                          .random = [] { return 0.5; }};
    const auto attempt = [this](int64_t left_ns) {
      left.push_back(left_ns);
      return answers.at(tries++);
    };
    return CallWithRetry(attempt, timeout_ns, repeat, options, environment);
  }

  std::vector<absl::Status> answers;
  std::vector<int64_t> sleeps;
  std::vector<int64_t> left;
  size_t tries = 0;
  int64_t now_ns = 1'000;
};

TEST(Retry, TriesARefusalAgainAfterTheDelayItNames) {
  Script script({Refusal(absl::StatusCode::kResourceExhausted, 7 * kMs), absl::OkStatus()});
  EXPECT_TRUE(script.Call(Repeat::kMayDouble, {}, 1'000 * kMs).ok());
  // 7 ms, and half of the first backoff of 10 ms as jitter.
  EXPECT_EQ(script.sleeps, std::vector<int64_t>{12 * kMs});
  EXPECT_EQ(script.left, (std::vector<int64_t>{1'000 * kMs, 988 * kMs}));
}

TEST(Retry, TakesARefusalWithoutADelayAsFinal) {
  Script script({Refusal(absl::StatusCode::kUnavailable, 0)});
  EXPECT_EQ(script.Call(Repeat::kHarmless, {}, 1'000 * kMs).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(script.tries, 1U);
}

TEST(Retry, DoesNotRepeatABrokenCallThatMayHaveRun) {
  Script script({absl::UnavailableError("connection reset")});
  EXPECT_FALSE(script.Call(Repeat::kMayDouble, {}, 1'000 * kMs).ok());
  EXPECT_EQ(script.tries, 1U);
}

TEST(Retry, RepeatsABrokenCallThatWasAskedFor) {
  Script script({absl::UnavailableError("connection reset"), absl::OkStatus()});
  EXPECT_TRUE(script.Call(Repeat::kMayDouble, {.retry_broken_calls = true}, 1'000 * kMs).ok());
}

TEST(Retry, DoublesTheBackoffUpToItsLimit) {
  const absl::Status broken = absl::UnavailableError("connection reset");
  Script script({broken, broken, broken, broken, absl::OkStatus()});
  const RetryOptions options = {
      .max_attempts = 5, .initial_backoff_ns = 10 * kMs, .max_backoff_ns = 30 * kMs};
  EXPECT_TRUE(script.Call(Repeat::kHarmless, options, 1'000 * kMs).ok());
  // Three quarters of 10, 20, 30 and 30 ms.
  EXPECT_EQ(script.sleeps, (std::vector<int64_t>{7'500'000, 15 * kMs, 22'500'000, 22'500'000}));
}

TEST(Retry, EndsAfterTheLastAttempt) {
  const absl::Status broken = absl::UnavailableError("connection reset");
  Script script({broken, broken, absl::OkStatus()});
  EXPECT_FALSE(script.Call(Repeat::kHarmless, {.max_attempts = 2}, 1'000 * kMs).ok());
  EXPECT_EQ(script.tries, 2U);
}

TEST(Retry, NeverSleepsPastTheDeadline) {
  Script script({Refusal(absl::StatusCode::kResourceExhausted, 7 * kMs)});
  EXPECT_EQ(script.Call(Repeat::kMayDouble, {}, 12 * kMs).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(script.sleeps.empty());
}

TEST(Retry, LeavesErrorsThatStayErrors) {
  const RetryOptions options = {.retry_broken_calls = true};
  EXPECT_FALSE(ShouldRetry(absl::ResourceExhaustedError("message larger than max"),
                           Repeat::kHarmless, options));
  EXPECT_FALSE(ShouldRetry(absl::InvalidArgumentError("x"), Repeat::kHarmless, options));
  EXPECT_FALSE(ShouldRetry(absl::DeadlineExceededError("x"), Repeat::kHarmless, options));
}

TEST(StatusDetails, GivesWhatTheDaemonSaid) {
  const absl::Status status = Refusal(absl::StatusCode::kResourceExhausted, 3 * kMs);
  EXPECT_EQ(status.message(), "the queue is full");
  EXPECT_EQ(ErrorReason(status), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayNs(status), 3 * kMs);
  EXPECT_EQ(CodeName(status), "RESOURCE_EXHAUSTED");
}

TEST(StatusDetails, HasNoReasonForAnErrorOfAnotherDomain) {
  google::rpc::Status status;
  status.set_code(14);
  google::rpc::ErrorInfo info;
  info.set_domain("example.com");
  info.set_reason("OVERLOADED");
  status.add_details()->PackFrom(info);
  EXPECT_EQ(ErrorReason(FromRpcStatus(status)), "");
}

}  // namespace
}  // namespace weft
