#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "dispatch/steering.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "rpc/rpc_context.h"

namespace weft {

// What reading the configuration again came to.
struct ReloadResult {
  struct Change {
    std::string key;
    std::string old_value;
    std::string new_value;
  };
  // InvalidArgument: its message has a line for each mistake; FailedPrecondition: there is no file.
  absl::Status status;
  std::vector<Change> applied;
  std::vector<Change> needs_restart;
  std::vector<std::string> warnings;
};

// What the daemon tells AdminService once and for all.
struct AdminInfo {
  struct HandlerRow {
    std::string help;
    bool never_suspends = false;
  };
  std::vector<HandlerRow> handlers;     // By TaskEntry::index; the steering has their names.
  std::string version;                  // "0.1.0"
  std::function<void()> request_drain;  // Must not block; Door::RequestDrain.
  std::string io_backend;               // "io_uring" or "threads".
  std::string io_fallback_reason;  // Why it is not io_uring; empty when it is or none was asked.
  std::string executor_kind;       // As executor.kind spells it.
  // Must not block. The answer is called once, on the Door's thread and not within the call, unless
  // the Door ends first.
  using ReloadAnswer = std::function<void(const ReloadResult&)>;
  std::function<void(ReloadAnswer)> request_reload;
};

// weft.v1.AdminService on the one completion queue. Owned by RpcServer. Door thread only.
class AdminService {
 public:
  // Both outlive this.
  AdminService(const RpcContext& context, ProdSteering& steering, AdminInfo info);
  ~AdminService();

  // To be registered with the builder; before Start.
  grpc::Service& service();
  void Start();
  // Before the Door runs.
  void set_ready_at_ns(int64_t ready_at_ns);
  // Ends every WatchStats.
  void EndWatches();
  size_t busy() const;
  // WatchStats calls that are open.
  size_t watchers() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
