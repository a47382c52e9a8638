#include "rpc/channelz_service.h"

#include <cstdint>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "grpc/channelz/v1/channelz.grpc.pb.h"
#include "grpc/grpc.h"
#include "grpc/support/alloc.h"
#include "rpc/plain_method.h"

namespace weft {
namespace {

namespace channelz = grpc::channelz::v1;
using ChannelzGrpc = channelz::Channelz::AsyncService;

constexpr size_t kPosted = 1;  // Of each method: whoever asks is one tool.

struct GprFree {
  void operator()(char* text) const { gpr_free(text); }
};

// Takes the JSON that gRPC's core made, or null when it knows nothing of that id.
template <class Response>
grpc::Status AnswerWith(char* made, const char* what, int64_t id, Response& response) {
  const std::unique_ptr<char, GprFree> json(made);
  if (json == nullptr) {
    return {grpc::StatusCode::NOT_FOUND,
            "there is no " + std::string(what) + " " + std::to_string(id)};
  }
  google::protobuf::util::JsonParseOptions options;
  options.case_insensitive_enum_parsing = true;
  options.ignore_unknown_fields = true;
  response.Clear();
  const auto parsed = google::protobuf::util::JsonStringToMessage(json.get(), &response, options);
  if (parsed.ok()) return grpc::Status::OK;
  return {grpc::StatusCode::INTERNAL, "what gRPC tells cannot be read: " + parsed.ToString()};
}

}  // namespace

struct ChannelzService::Parts {
  template <class Request, class Response>
  using Method = PlainMethod<ChannelzGrpc, Request, Response>;

  Parts(CompletionSource& source_in, size_t max_calls_in)
      : source(source_in), max_calls(max_calls_in) {}

  CompletionSource& source;
  const size_t max_calls;
  ChannelzGrpc service;
  Method<channelz::GetTopChannelsRequest, channelz::GetTopChannelsResponse> get_top_channels{
      service, &ChannelzGrpc::RequestGetTopChannels, [](const auto& request, auto& response) {
        const int64_t id = request.start_channel_id();
        return AnswerWith(grpc_channelz_get_top_channels(id), "channel from", id, response);
      }};
  Method<channelz::GetServersRequest, channelz::GetServersResponse> get_servers{
      service, &ChannelzGrpc::RequestGetServers, [](const auto& request, auto& response) {
        const int64_t id = request.start_server_id();
        return AnswerWith(grpc_channelz_get_servers(id), "server from", id, response);
      }};
  Method<channelz::GetServerRequest, channelz::GetServerResponse> get_server{
      service, &ChannelzGrpc::RequestGetServer, [](const auto& request, auto& response) {
        const int64_t id = request.server_id();
        return AnswerWith(grpc_channelz_get_server(id), "server", id, response);
      }};
  Method<channelz::GetServerSocketsRequest, channelz::GetServerSocketsResponse> get_server_sockets{
      service, &ChannelzGrpc::RequestGetServerSockets, [](const auto& request, auto& response) {
        const int64_t id = request.server_id();
        char* const json =
            grpc_channelz_get_server_sockets(id, request.start_socket_id(), request.max_results());
        return AnswerWith(json, "such socket of server", id, response);
      }};
  Method<channelz::GetChannelRequest, channelz::GetChannelResponse> get_channel{
      service, &ChannelzGrpc::RequestGetChannel, [](const auto& request, auto& response) {
        const int64_t id = request.channel_id();
        return AnswerWith(grpc_channelz_get_channel(id), "channel", id, response);
      }};
  Method<channelz::GetSubchannelRequest, channelz::GetSubchannelResponse> get_subchannel{
      service, &ChannelzGrpc::RequestGetSubchannel, [](const auto& request, auto& response) {
        const int64_t id = request.subchannel_id();
        return AnswerWith(grpc_channelz_get_subchannel(id), "subchannel", id, response);
      }};
  Method<channelz::GetSocketRequest, channelz::GetSocketResponse> get_socket{
      service, &ChannelzGrpc::RequestGetSocket, [](const auto& request, auto& response) {
        const int64_t id = request.socket_id();
        return AnswerWith(grpc_channelz_get_socket(id), "socket", id, response);
      }};
};

ChannelzService::ChannelzService(CompletionSource& source, size_t max_calls)
    : parts_(std::make_unique<Parts>(source, max_calls)) {}
ChannelzService::~ChannelzService() = default;

grpc::Service& ChannelzService::service() { return parts_->service; }

void ChannelzService::Start() {
  const auto start = [this](auto&... method) {
    (method.Start(parts_->source, parts_->max_calls, kPosted), ...);
  };
  start(parts_->get_top_channels, parts_->get_servers, parts_->get_server,
        parts_->get_server_sockets, parts_->get_channel, parts_->get_subchannel,
        parts_->get_socket);
}

}  // namespace weft
