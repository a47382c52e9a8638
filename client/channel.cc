#include "client/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <charconv>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

constexpr int kMaxPort = 65535;
constexpr int kConnectMs = 10'000;
constexpr char kUnixPrefix[] = "unix:";

bool IsPort(const std::string& text) {
  int port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && rest == end && port > 0 && port <= kMaxPort;
}

bool IsTarget(const std::string& target) {
  const size_t prefix = sizeof(kUnixPrefix) - 1;
  if (target.compare(0, prefix, kUnixPrefix) == 0) return target.size() > prefix;
  const size_t colon = target.rfind(':');
  return colon != std::string::npos && colon > 0 && IsPort(target.substr(colon + 1));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options) {
  if (!IsTarget(options.target)) {
    return absl::InvalidArgumentError(
        absl::StrCat("target \"", options.target, "\" must be host:port or unix:/path"));
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.max_message_bytes);
  arguments.SetMaxSendMessageSize(options.max_message_bytes);
  // Calls are tried again by retry.h, which knows what is safe; gRPC's own costs 7 %.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // http_proxy in the environment must not reroute calls to the loopback.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  // In truth how long one attempt may take until the daemon has said its first words: a service
  // manager may only start it now, and the call's own deadline holds all the same.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  if (options.own_connection) arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(options.target, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace weft
