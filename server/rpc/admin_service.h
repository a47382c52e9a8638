#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/codegen/service_type.h"
#include "rpc/rpc_context.h"

namespace weft {

// What the daemon tells AdminService once and for all.
struct AdminInfo {
  struct HandlerRow {
    std::string name;
    std::string help;
    bool never_suspends = false;
  };
  std::vector<HandlerRow> handlers;     // Any order.
  std::string version;                  // "0.1.0"
  std::function<void()> request_drain;  // Must not block; Door::RequestDrain.
};

// weft.v1.AdminService on the one completion queue. Owned by RpcServer. Door thread only.
class AdminService {
 public:
  AdminService(const RpcContext& context, AdminInfo info);
  ~AdminService();

  // To be registered with the builder; before Start.
  grpc::Service& service();
  void Start();
  // Before the Door runs.
  void set_ready_at_ns(int64_t ready_at_ns);
  size_t busy() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
