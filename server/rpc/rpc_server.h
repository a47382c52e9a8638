#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "dispatch/door.h"
#include "metrics/metric_source.h"
#include "rpc/admin_service.h"
#include "rpc/listen_socket.h"
#include "rpc/options.h"
#include "rpc/rpc_context.h"

namespace weft {

// The gRPC front: one server, one completion queue, no thread of its own; the Door polls the queue
// through source(). Owned by the daemon, which makes it before the Door, and stops the cores before
// it goes away, since calls hold the payloads of tasks. One thread at a time: the one that starts,
// then the Door's, then the one that shuts down.
class RpcServer {
 public:
  // dispatcher and steering outlive the server.
  RpcServer(RpcOptions options, ProdDispatcher& dispatcher, ProdSteering& steering, AdminInfo info);
  ~RpcServer();  // Shuts down at once.

  // Before Start only. Sockets to serve besides those of the options; others have opened them.
  void Adopt(std::vector<ListenSocket> listeners);

  // Listens on every address and asks for the first calls. UNAVAILABLE names the address that could
  // not be bound, ResourceExhausted what the system has no room for. The unix socket gets its mode;
  // guarding its folder, and removing what an earlier daemon left there, is the daemon's part.
  absl::Status Start();

  // Before the Door runs: what GetStats tells.
  void set_ready_at_ns(int64_t ready_at_ns);

  // After the Door has ended: takes no more connections, ends open streams and watches, hands over
  // the answers given, at most for limit_ns, and breaks what is left. Blocks for that long.
  void Shutdown(int64_t limit_ns);

  // For the Door, and for the bell.
  DoorSource& source();
  // After Start: addresses as bound, "127.0.0.1:7411", with the port that was chosen.
  const std::vector<std::string>& addresses() const;
  // Calls and streams being answered. Door thread only.
  size_t busy() const;
  const MetricSource& metrics() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
