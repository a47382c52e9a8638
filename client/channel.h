#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

// How this library connects. Any thread.
namespace weft {

struct ChannelOptions {
  // "host:port" or "unix:/path".
  std::string target;
  int max_message_bytes = 0;
  // A connection of its own, where gRPC would share one among channels to the same target.
  bool own_connection = false;
};

// INVALID_ARGUMENT names the target when it is malformed. Does not connect yet.
[[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(
    const ChannelOptions& options);

}  // namespace weft
