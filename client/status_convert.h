#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

// From what travels to what callers see; code, message and details are kept. Any thread.
namespace weft {

[[nodiscard]] absl::Status FromGrpcStatus(const grpc::Status& status);

[[nodiscard]] absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace weft
