#pragma once

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/codegen/service_type.h"
#include "rpc/completion_source.h"

namespace weft {

// grpc.health.v1.Health on the one completion queue; gRPC's own runs on the callback API, which
// costs a fifth of the throughput. Serving from Start until SetNotServing. At max_watches open
// Watch calls, further ones wait. Owned by RpcServer. Door thread only.
class HealthService {
 public:
  // services: full names that are answered for, beside "" for the whole server.
  // max_calls: Checks being answered at once.
  HealthService(CompletionSource& source, std::vector<std::string> services, size_t max_watches,
                size_t max_calls);
  ~HealthService();

  // To be registered with the builder; before Start.
  grpc::Service& service();
  void Start();
  // From now on Check answers NOT_SERVING and every Watch is told.
  void SetNotServing();
  // Ends every Watch, so that the server's shutdown need not wait for them.
  void EndWatches();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
