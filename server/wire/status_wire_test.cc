// What a client is told of a refusal: for each reason its gRPC code and exactly the details the
// contract promises, both as a call's status and as a stream row.
#include "wire/status_wire.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "google/rpc/error_details.pb.h"

namespace weft {
namespace {

Refusal MakeRefusal(RefusalReason reason, int64_t retry_after_ns) {
  Refusal refusal;
  refusal.reason = reason;
  refusal.message = "spec.x is 3; at most 2 are allowed";
  refusal.field = "spec.x";
  refusal.bound = "executor.max_queue_depth";
  refusal.retry_after_ns = retry_after_ns;
  return refusal;
}

google::rpc::Status DetailsOf(const grpc::Status& status) {
  google::rpc::Status message;
  EXPECT_TRUE(message.ParseFromString(status.error_details()));
  return message;
}

template <class Detail>
std::optional<Detail> Find(const google::rpc::Status& message) {
  std::optional<Detail> found;
  for (const auto& any : message.details()) {
    Detail detail;
    if (!any.Is<Detail>()) continue;
    EXPECT_FALSE(found) << "twice";
    EXPECT_TRUE(any.UnpackTo(&detail));
    found = detail;
  }
  return found;
}

struct Case {
  RefusalReason reason;
  grpc::StatusCode code;
};

constexpr Case kCases[] = {
    {RefusalReason::kInvalidField, grpc::StatusCode::INVALID_ARGUMENT},
    {RefusalReason::kUnknownHandler, grpc::StatusCode::INVALID_ARGUMENT},
    {RefusalReason::kPayloadTooLarge, grpc::StatusCode::INVALID_ARGUMENT},
    {RefusalReason::kQueueFull, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {RefusalReason::kSlotsFull, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {RefusalReason::kPayloadBytesFull, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {RefusalReason::kWaitersFull, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {RefusalReason::kDraining, grpc::StatusCode::UNAVAILABLE},
    {RefusalReason::kTaskNotFound, grpc::StatusCode::NOT_FOUND},
    {RefusalReason::kCallsFull, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {RefusalReason::kNoConfigFile, grpc::StatusCode::FAILED_PRECONDITION},
    {RefusalReason::kHandlerPaused, grpc::StatusCode::UNAVAILABLE},
    {RefusalReason::kHandlerNotFound, grpc::StatusCode::NOT_FOUND},
    {RefusalReason::kWouldMissDeadline, grpc::StatusCode::RESOURCE_EXHAUSTED},
};
static_assert(std::size(kCases) == kRefusalReasonCount, "every reason has its case");

TEST(ToGrpcStatus, GivesEveryReasonItsCodeAndDetails) {
  for (const Case& expected : kCases) {
    SCOPED_TRACE(RefusalReasonName(expected.reason));
    const grpc::Status status = ToGrpcStatus(MakeRefusal(expected.reason, 0));
    EXPECT_EQ(status.error_code(), expected.code);
    EXPECT_EQ(status.error_message(), "spec.x is 3; at most 2 are allowed");
    const google::rpc::Status message = DetailsOf(status);
    EXPECT_EQ(message.code(), expected.code);
    EXPECT_EQ(message.message(), status.error_message());
    const auto info = Find<google::rpc::ErrorInfo>(message);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->domain(), "weft");
    EXPECT_EQ(info->reason(), RefusalReasonName(expected.reason));
    EXPECT_EQ(Find<google::rpc::BadRequest>(message).has_value(),
              expected.code == grpc::StatusCode::INVALID_ARGUMENT ||
                  expected.reason == RefusalReason::kHandlerNotFound);
    EXPECT_EQ(Find<google::rpc::QuotaFailure>(message).has_value(),
              expected.code == grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_FALSE(Find<google::rpc::RetryInfo>(message));
  }
}

TEST(ToGrpcStatus, NamesTheFieldOfAnInvalidArgument) {
  const auto bad_request = Find<google::rpc::BadRequest>(
      DetailsOf(ToGrpcStatus(MakeRefusal(RefusalReason::kInvalidField, 0))));
  ASSERT_TRUE(bad_request);
  ASSERT_EQ(bad_request->field_violations_size(), 1);
  EXPECT_EQ(bad_request->field_violations(0).field(), "spec.x");
  EXPECT_EQ(bad_request->field_violations(0).description(), "spec.x is 3; at most 2 are allowed");
}

TEST(ToGrpcStatus, NamesTheBoundThatIsReached) {
  const auto failure = Find<google::rpc::QuotaFailure>(
      DetailsOf(ToGrpcStatus(MakeRefusal(RefusalReason::kQueueFull, 0))));
  ASSERT_TRUE(failure);
  ASSERT_EQ(failure->violations_size(), 1);
  EXPECT_EQ(failure->violations(0).subject(), "executor.max_queue_depth");
}

TEST(ToGrpcStatus, TellsWhenToRetryWhereItCanHelp) {
  const auto retry = Find<google::rpc::RetryInfo>(
      DetailsOf(ToGrpcStatus(MakeRefusal(RefusalReason::kQueueFull, 2'000'000'003))));
  ASSERT_TRUE(retry);
  EXPECT_EQ(retry->retry_delay().seconds(), 2);
  EXPECT_EQ(retry->retry_delay().nanos(), 3);
}

TEST(ToGrpcStatus, TellsAPredictionInNumbers) {
  Refusal refusal = MakeRefusal(RefusalReason::kWouldMissDeadline, 3'200'000);
  refusal.late_start = {.predicted_start_ns = 4'200'000, .deadline_ns = 1'000'000};
  const google::rpc::Status message = DetailsOf(ToGrpcStatus(refusal));
  const auto info = Find<google::rpc::ErrorInfo>(message);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->metadata().at("predicted_start_ns"), "4200000");
  EXPECT_EQ(info->metadata().at("deadline_ns"), "1000000");
  EXPECT_EQ(Find<google::rpc::RetryInfo>(message)->retry_delay().nanos(), 3'200'000);
  const auto others = Find<google::rpc::ErrorInfo>(
      DetailsOf(ToGrpcStatus(MakeRefusal(RefusalReason::kQueueFull, 0))));
  EXPECT_EQ(others->metadata().size(), 1u) << "only the bound";
}

TEST(WriteRefusal, LeavesNothingOfTheMessageThatIsReused) {
  google::rpc::Status reused;
  WriteRefusal(MakeRefusal(RefusalReason::kQueueFull, 5), &reused);
  WriteRefusal(MakeRefusal(RefusalReason::kDraining, 0), &reused);
  google::rpc::Status fresh;
  WriteRefusal(MakeRefusal(RefusalReason::kDraining, 0), &fresh);
  EXPECT_EQ(reused.SerializeAsString(), fresh.SerializeAsString());
}

}  // namespace
}  // namespace weft
