#pragma once

#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/codegen/service_type.h"
#include "rpc/completion_source.h"

namespace weft {

// grpc.reflection.v1alpha.ServerReflection on the one completion queue; gRPC's own plugin is a sync
// service, which brings polling threads. Answers from the descriptors linked into the process. At
// max_calls open calls, further ones wait. Owned by RpcServer. Door thread only.
class ReflectionService {
 public:
  // services: full names that are listed; its own is added.
  ReflectionService(CompletionSource& source, std::vector<std::string> services, size_t max_calls);
  ~ReflectionService();

  // To be registered with the builder; before Start.
  grpc::Service& service();
  void Start();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
