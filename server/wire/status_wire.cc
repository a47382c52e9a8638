#include "wire/status_wire.h"

#include <string>

#include "google/rpc/error_details.pb.h"

namespace weft {
namespace {

constexpr char kErrorDomain[] = "weft";
constexpr int64_t kNsPerSecond = 1'000'000'000;

void AddErrorInfo(const Refusal& refusal, google::rpc::Status* message) {
  google::rpc::ErrorInfo info;
  info.set_domain(kErrorDomain);
  info.set_reason(std::string(RefusalReasonName(refusal.reason)));
  auto& metadata = *info.mutable_metadata();
  if (!refusal.bound.empty()) metadata["bound"] = refusal.bound;
  if (refusal.late_start) {
    metadata["predicted_start_ns"] = std::to_string(refusal.late_start->predicted_start_ns);
    metadata["deadline_ns"] = std::to_string(refusal.late_start->deadline_ns);
  }
  message->add_details()->PackFrom(info);
}

void AddBadRequest(const Refusal& refusal, google::rpc::Status* message) {
  google::rpc::BadRequest bad_request;
  auto* violation = bad_request.add_field_violations();
  violation->set_field(refusal.field);
  violation->set_description(refusal.message);
  message->add_details()->PackFrom(bad_request);
}

void AddQuotaFailure(const Refusal& refusal, google::rpc::Status* message) {
  google::rpc::QuotaFailure failure;
  auto* violation = failure.add_violations();
  violation->set_subject(refusal.bound);
  violation->set_description(refusal.message);
  message->add_details()->PackFrom(failure);
}

void AddRetryInfo(const Refusal& refusal, google::rpc::Status* message) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(refusal.retry_after_ns / kNsPerSecond);
  retry.mutable_retry_delay()->set_nanos(static_cast<int>(refusal.retry_after_ns % kNsPerSecond));
  message->add_details()->PackFrom(retry);
}

}  // namespace

grpc::StatusCode RefusalCode(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kInvalidField:
    case RefusalReason::kUnknownHandler:
    case RefusalReason::kPayloadTooLarge:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case RefusalReason::kQueueFull:
    case RefusalReason::kSlotsFull:
    case RefusalReason::kPayloadBytesFull:
    case RefusalReason::kWaitersFull:
    case RefusalReason::kCallsFull:
    case RefusalReason::kWouldMissDeadline:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case RefusalReason::kNoConfigFile:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case RefusalReason::kDraining:
    case RefusalReason::kHandlerPaused:
      return grpc::StatusCode::UNAVAILABLE;
    case RefusalReason::kTaskNotFound:
    case RefusalReason::kHandlerNotFound:
      return grpc::StatusCode::NOT_FOUND;
  }
  return grpc::StatusCode::INTERNAL;
}

void WriteRefusal(const Refusal& refusal, google::rpc::Status* message) {
  const grpc::StatusCode code = RefusalCode(refusal.reason);
  message->Clear();
  message->set_code(code);
  message->set_message(refusal.message);
  AddErrorInfo(refusal, message);
  const bool is_of_field = code == grpc::StatusCode::INVALID_ARGUMENT ||
                           refusal.reason == RefusalReason::kHandlerNotFound;
  if (is_of_field) AddBadRequest(refusal, message);
  if (code == grpc::StatusCode::RESOURCE_EXHAUSTED) AddQuotaFailure(refusal, message);
  if (refusal.retry_after_ns > 0) AddRetryInfo(refusal, message);
}

grpc::Status ToGrpcStatus(const Refusal& refusal) {
  google::rpc::Status message;
  WriteRefusal(refusal, &message);
  return {RefusalCode(refusal.reason), refusal.message, message.SerializeAsString()};
}

}  // namespace weft
