// What gRPC tells of itself, through the public protocol and on the one completion queue.
#include "rpc/channelz_service.h"

#include <gtest/gtest.h>

#include "grpc/channelz/v1/channelz.grpc.pb.h"
#include "rpc/rpc_fixture.h"

namespace weft {
namespace {

namespace channelz = grpc::channelz::v1;

class ChannelzServiceTest : public RpcFixture {
 protected:
  void StartAndAsk() {
    StartServer();
    stub_ = channelz::Channelz::NewStub(channel_);
    // Other servers of the process may have gone before; ours is the last.
    grpc::ClientContext context;
    channelz::GetServersResponse response;
    const grpc::Status status = stub_->GetServers(&context, {}, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_GE(response.server_size(), 1);
    server_ref_ = response.server(response.server_size() - 1);
  }

  std::unique_ptr<channelz::Channelz::Stub> stub_;
  channelz::Server server_ref_;
};

TEST_F(ChannelzServiceTest, TellsOfTheServerItsListenersAndItsCalls) {
  StartAndAsk();
  ASSERT_TRUE(Run(Spec("noop")).ok());
  grpc::ClientContext context;
  channelz::GetServerRequest request;
  request.set_server_id(server_ref_.ref().server_id());
  channelz::GetServerResponse response;
  ASSERT_TRUE(stub_->GetServer(&context, request, &response).ok());
  EXPECT_EQ(response.server().ref().server_id(), server_ref_.ref().server_id());
  EXPECT_GE(response.server().data().calls_started(), 2);
  EXPECT_GE(response.server().data().calls_succeeded(), 1);
  ASSERT_EQ(response.server().listen_socket_size(), 1);
  grpc::ClientContext socket_context;
  channelz::GetSocketRequest socket_request;
  socket_request.set_socket_id(response.server().listen_socket(0).socket_id());
  channelz::GetSocketResponse socket;
  ASSERT_TRUE(stub_->GetSocket(&socket_context, socket_request, &socket).ok());
  const channelz::Address::TcpIpAddress& address = socket.socket().local().tcpip_address();
  EXPECT_EQ(address.ip_address(), std::string("\x7f\0\0\1", 4));
  EXPECT_EQ("127.0.0.1:" + std::to_string(address.port()), server_->addresses().front());
}

TEST_F(ChannelzServiceTest, TellsOfTheConnectionThatAsks) {
  StartAndAsk();
  grpc::ClientContext sockets_context;
  channelz::GetServerSocketsRequest sockets_request;
  sockets_request.set_server_id(server_ref_.ref().server_id());
  channelz::GetServerSocketsResponse sockets;
  ASSERT_TRUE(stub_->GetServerSockets(&sockets_context, sockets_request, &sockets).ok());
  ASSERT_EQ(sockets.socket_ref_size(), 1);
  grpc::ClientContext context;
  channelz::GetSocketRequest request;
  request.set_socket_id(sockets.socket_ref(0).socket_id());
  channelz::GetSocketResponse response;
  const grpc::Status status = stub_->GetSocket(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GE(response.socket().data().streams_started(), 2);
  EXPECT_TRUE(response.socket().local().has_tcpip_address());
}

TEST_F(ChannelzServiceTest, TellsOfTheChannelsOfThisProcess) {
  StartAndAsk();
  grpc::ClientContext top_context;
  channelz::GetTopChannelsResponse top;
  ASSERT_TRUE(stub_->GetTopChannels(&top_context, {}, &top).ok());
  ASSERT_GE(top.channel_size(), 1) << "the test's own";
  grpc::ClientContext context;
  channelz::GetChannelRequest request;
  request.set_channel_id(top.channel(0).ref().channel_id());
  channelz::GetChannelResponse response;
  EXPECT_TRUE(stub_->GetChannel(&context, request, &response).ok());
  EXPECT_EQ(response.channel().ref().channel_id(), request.channel_id());
}

TEST_F(ChannelzServiceTest, WhatIsNotThereIsNotFound) {
  StartAndAsk();
  const auto expect_not_found = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_NE(status.error_message().find("987654321"), std::string::npos)
        << status.error_message();
  };
  {
    grpc::ClientContext context;
    channelz::GetServerRequest request;
    request.set_server_id(987654321);
    channelz::GetServerResponse response;
    expect_not_found(stub_->GetServer(&context, request, &response));
  }
  {
    grpc::ClientContext context;
    channelz::GetServerSocketsRequest request;
    request.set_server_id(987654321);
    request.set_max_results(-1);
    channelz::GetServerSocketsResponse response;
    expect_not_found(stub_->GetServerSockets(&context, request, &response));
  }
  {
    grpc::ClientContext context;
    channelz::GetSubchannelRequest request;
    request.set_subchannel_id(987654321);
    channelz::GetSubchannelResponse response;
    expect_not_found(stub_->GetSubchannel(&context, request, &response));
  }
  {
    grpc::ClientContext context;
    channelz::GetSocketRequest request;
    request.set_socket_id(987654321);
    channelz::GetSocketResponse response;
    expect_not_found(stub_->GetSocket(&context, request, &response));
  }
}

}  // namespace
}  // namespace weft
