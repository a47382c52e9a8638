#pragma once

#include <memory>
#include <vector>

#include "grpcpp/impl/codegen/service_type.h"
#include "rpc/completion_source.h"
#include "rpc/listen_socket.h"

namespace weft {

// grpc.channelz.v1.Channelz on the one completion queue; gRPC's own plugin is a sync service, which
// brings polling threads. Answers with what gRPC counts of its servers and sockets anyway, and with
// the sockets that listen, which gRPC does not know; every server of the process is told to have
// those. Owned by RpcServer. Door thread only.
class ChannelzService {
 public:
  // max_calls: of each method, being answered at once.
  ChannelzService(CompletionSource& source, size_t max_calls);
  ~ChannelzService();

  // To be registered with the builder; before Start.
  grpc::Service& service();
  // Before Start only; without them no server has any.
  void TellListeners(const std::vector<ListenSocket>& sockets);
  void Start();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
