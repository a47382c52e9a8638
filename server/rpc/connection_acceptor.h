#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/server_builder.h"
#include "metrics/cell.h"
#include "rpc/listen_socket.h"
#include "sys/fd.h"
#include "sys/thread.h"

namespace weft {

// Accepts connections on all sockets, from a thread of its own, and hands them to gRPC, which can
// only listen on sockets it opens itself, and stops for good on one that it once had no descriptor
// to accept with. Owned by RpcServer. While the process has no descriptor to spare, connections
// wait in the sockets' backlogs and are tried again every kRetryMs. Closes the sockets when it
// goes: connections that were not accepted are broken, or stay with an inherited socket for whoever
// has it next.
class ConnectionAcceptor {
 public:
  using Grpc = grpc::experimental::ExternalConnectionAcceptor;

  static constexpr int kRetryMs = 100;
  // On one socket, until the others have their turn.
  static constexpr int kAcceptsInARow = 256;

  // The server that grpc belongs to runs, and outlives this. shortages counts the tries that were
  // put off; this alone writes it, and it outlives this.
  ConnectionAcceptor(std::vector<ListenSocket> listeners, std::unique_ptr<Grpc> grpc,
                     Counter& shortages);
  ~ConnectionAcceptor();
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  // Once. ResourceExhausted: there may be no further thread or descriptor.
  absl::Status Start();

 private:
  void Run();
  bool AcceptWaiting(int listener);
  void HandOver(int listener, int connection);

  const std::vector<ListenSocket> listeners_;
  const std::unique_ptr<Grpc> grpc_;
  sys::Fd stop_;  // An eventfd that is written once.
  Counter& shortages_;
  std::optional<sys::Thread> thread_;
};

}  // namespace weft
