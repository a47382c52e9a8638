#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <memory>

#include "weft/stats_watch.h"
#include "weft/v1/admin_service.grpc.pb.h"

namespace weft {

// The call behind a StatsWatch.
struct StatsWatch::Call {
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::WatchStatsResponse>> reader;
  bool ended = false;
};

}  // namespace weft
