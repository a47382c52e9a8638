#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/handler_totals.h"
#include "dispatch/steering.h"
#include "rpc/rpc_context.h"
#include "weft/v1/admin_service.pb.h"

namespace weft {

// What GetStats, WatchStats and ListCores tell of the daemon, as messages. Owned by AdminService.
// Door thread only.
class StatsTeller {
 public:
  // What does not change while the daemon runs; see AdminInfo.
  struct Constants {
    std::string version;
    std::string io_backend;
    std::string io_fallback_reason;
    std::string executor_kind;
  };

  // Both outlive this.
  StatsTeller(ProdDispatcher& dispatcher, const ProdSteering& steering, Constants constants);

  // Before the Door runs.
  void set_ready_at_ns(int64_t ready_at_ns) { ready_at_ns_ = ready_at_ns; }

  // Overwrites the message with everything as of now. totals: of each handler by index, as of now.
  void Write(const std::vector<HandlerTotals>& totals, v1::GetStatsResponse* message) const;
  // Adds one message for each handler, by name.
  void WriteHandlers(const std::vector<HandlerTotals>& totals,
                     google::protobuf::RepeatedPtrField<v1::HandlerStats>* messages) const;

  static void WriteTotals(const HandlerTotals& totals, v1::HandlerStats* message);
  static void WriteCore(const CoreSnapshot& core, v1::CoreStats* message);
  void WritePool(const PoolSnapshot& pool, v1::BlockingPool* message) const;

 private:
  ProdDispatcher& dispatcher_;
  const ProdSteering& steering_;
  const Constants constants_;
  std::vector<size_t> by_name_;  // Indices of the handlers.
  int64_t ready_at_ns_ = 0;
};

}  // namespace weft
