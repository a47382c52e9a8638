#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "grpcpp/server_builder.h"
#include "rpc/inherited_listener.h"
#include "sys/fd.h"

namespace weft {

// Accepts connections on inherited sockets, from a thread of its own, and hands them to gRPC, which
// can only listen on sockets it opens itself. Owned by RpcServer. While the process has no
// descriptor to spare, connections wait in the sockets' backlogs and are tried again every
// kRetryMs. Connections that were not accepted when it goes stay with the sockets, for whoever
// inherits them next.
class ConnectionAcceptor {
 public:
  using Grpc = grpc::experimental::ExternalConnectionAcceptor;

  static constexpr int kRetryMs = 100;

  // The server that grpc belongs to runs, and outlives this.
  ConnectionAcceptor(std::vector<InheritedListener> listeners, std::unique_ptr<Grpc> grpc);
  ~ConnectionAcceptor();
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

 private:
  void Run();
  bool AcceptOne(int listener);

  const std::vector<InheritedListener> listeners_;
  const std::unique_ptr<Grpc> grpc_;
  sys::Fd stop_;  // An eventfd that is written once.
  std::thread thread_;
};

}  // namespace weft
