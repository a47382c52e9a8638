#include "rpc/channelz_service.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

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

// Of the first socket that listens, beyond any that gRPC gives: it counts from 1.
constexpr int64_t kFirstListenerId = int64_t{1} << 40;

void FillAddress(const ListenSocket& socket, channelz::Address* address) {
  constexpr std::string_view kUnix = "unix:";
  if (socket.address.rfind(kUnix, 0) == 0) {
    address->mutable_uds_address()->set_filename(socket.address.substr(kUnix.size()));
    return;
  }
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  getsockname(socket.fd.get(), reinterpret_cast<sockaddr*>(&storage), &size);
  auto& tcp = *address->mutable_tcpip_address();
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    tcp.set_ip_address(&v6.sin6_addr, sizeof(v6.sin6_addr));
    tcp.set_port(ntohs(v6.sin6_port));
  } else if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    tcp.set_ip_address(&v4.sin_addr, sizeof(v4.sin_addr));
    tcp.set_port(ntohs(v4.sin_port));
  } else {
    address->mutable_other_address()->set_name(socket.address);
  }
}

}  // namespace

struct ChannelzService::Parts {
  template <class Request, class Response>
  using Method = PlainMethod<ChannelzGrpc, Request, Response>;

  Parts(CompletionSource& source_in, size_t max_calls_in)
      : source(source_in), max_calls(max_calls_in) {}

  void AddListeners(channelz::Server* server) const {
    for (const channelz::Socket& listener : listeners) {
      *server->add_listen_socket() = listener.ref();
    }
  }

  CompletionSource& source;
  const size_t max_calls;
  std::vector<channelz::Socket> listeners;
  ChannelzGrpc service;
  Method<channelz::GetTopChannelsRequest, channelz::GetTopChannelsResponse> get_top_channels{
      service, &ChannelzGrpc::RequestGetTopChannels, [](const auto& request, auto& response) {
        const int64_t id = request.start_channel_id();
        return AnswerWith(grpc_channelz_get_top_channels(id), "channel from", id, response);
      }};
  Method<channelz::GetServersRequest, channelz::GetServersResponse> get_servers{
      service, &ChannelzGrpc::RequestGetServers, [this](const auto& request, auto& response) {
        const int64_t id = request.start_server_id();
        auto status = AnswerWith(grpc_channelz_get_servers(id), "server from", id, response);
        for (channelz::Server& server : *response.mutable_server()) AddListeners(&server);
        return status;
      }};
  Method<channelz::GetServerRequest, channelz::GetServerResponse> get_server{
      service, &ChannelzGrpc::RequestGetServer, [this](const auto& request, auto& response) {
        const int64_t id = request.server_id();
        auto status = AnswerWith(grpc_channelz_get_server(id), "server", id, response);
        if (status.ok()) AddListeners(response.mutable_server());
        return status;
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
      service, &ChannelzGrpc::RequestGetSocket, [this](const auto& request, auto& response) {
        const int64_t id = request.socket_id();
        for (const channelz::Socket& listener : listeners) {
          if (listener.ref().socket_id() != id) continue;
          *response.mutable_socket() = listener;
          return grpc::Status(grpc::Status::OK);
        }
        return AnswerWith(grpc_channelz_get_socket(id), "socket", id, response);
      }};
};

ChannelzService::ChannelzService(CompletionSource& source, size_t max_calls)
    : parts_(std::make_unique<Parts>(source, max_calls)) {}
ChannelzService::~ChannelzService() = default;

grpc::Service& ChannelzService::service() { return parts_->service; }

void ChannelzService::TellListeners(const std::vector<ListenSocket>& sockets) {
  for (const ListenSocket& socket : sockets) {
    const auto index = static_cast<int64_t>(parts_->listeners.size());
    channelz::Socket& told = parts_->listeners.emplace_back();
    told.mutable_ref()->set_socket_id(kFirstListenerId + index);
    told.mutable_ref()->set_name("listener " + socket.address);
    FillAddress(socket, told.mutable_local());
  }
}

void ChannelzService::Start() {
  const auto start = [this](auto&... method) {
    (method.Start(parts_->source, parts_->max_calls, kPosted), ...);
  };
  start(parts_->get_top_channels, parts_->get_servers, parts_->get_server,
        parts_->get_server_sockets, parts_->get_channel, parts_->get_subchannel,
        parts_->get_socket);
}

}  // namespace weft
