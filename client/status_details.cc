#include "weft/status_details.h"

#include <string>
#include <vector>

#include "client/status_convert.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace weft {
namespace {

constexpr char kDetailsUrl[] = "type.googleapis.com/google.rpc.Status";
constexpr char kDomain[] = "weft";
constexpr int64_t kNsPerSecond = 1'000'000'000;

// False when the status carries no detail of this kind.
template <typename Detail>
bool FindDetail(const absl::Status& status, Detail* detail) {
  const auto payload = status.GetPayload(kDetailsUrl);
  google::rpc::Status details;
  if (!payload || !details.ParseFromString(std::string(*payload))) return false;
  for (const auto& any : details.details()) {
    if (any.Is<Detail>()) return any.UnpackTo(detail);
  }
  return false;
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  if (!status.error_details().empty()) {
    result.SetPayload(kDetailsUrl, absl::Cord(status.error_details()));
  }
  return result;
}

absl::Status FromRpcStatus(const google::rpc::Status& status) {
  if (status.code() == 0) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.code()), status.message());
  result.SetPayload(kDetailsUrl, absl::Cord(status.SerializeAsString()));
  return result;
}

std::string ErrorReason(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  if (!FindDetail(status, &info) || info.domain() != kDomain) return "";
  return info.reason();
}

std::optional<int64_t> RetryDelayNs(const absl::Status& status) {
  google::rpc::RetryInfo info;
  if (!FindDetail(status, &info)) return std::nullopt;
  return info.retry_delay().seconds() * kNsPerSecond + info.retry_delay().nanos();
}

std::vector<FieldViolation> FieldViolations(const absl::Status& status) {
  google::rpc::BadRequest bad_request;
  std::vector<FieldViolation> violations;
  if (!FindDetail(status, &bad_request)) return violations;
  for (const auto& violation : bad_request.field_violations()) {
    violations.push_back({violation.field(), violation.description()});
  }
  return violations;
}

std::vector<std::string> ExceededBounds(const absl::Status& status) {
  google::rpc::QuotaFailure quota;
  std::vector<std::string> bounds;
  if (!FindDetail(status, &quota)) return bounds;
  for (const auto& violation : quota.violations()) bounds.push_back(violation.subject());
  return bounds;
}

std::string CodeName(const absl::Status& status) { return absl::StatusCodeToString(status.code()); }

}  // namespace weft
