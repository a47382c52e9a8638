#pragma once

#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"
#include "task/refusal.h"

// Refusals as clients see them. Every one carries google.rpc.ErrorInfo (domain "weft", reason, and
// the bound as metadata); INVALID_ARGUMENT also BadRequest with the field path; RESOURCE_EXHAUSTED
// also QuotaFailure whose subject is the bound; and RetryInfo where a retry can help. Pure
// functions, any thread.

namespace weft {

grpc::StatusCode RefusalCode(RefusalReason reason);

// Overwrites *message: for a refused row of a stream.
void WriteRefusal(const Refusal& refusal, google::rpc::Status* message);

// The same for a whole call: the serialised google.rpc.Status goes into grpc-status-details-bin.
grpc::Status ToGrpcStatus(const Refusal& refusal);

}  // namespace weft
