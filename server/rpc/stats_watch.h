#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "rpc/completion_source.h"
#include "rpc/rpc_context.h"
#include "rpc/stats_teller.h"
#include "weft/v1/admin_service.grpc.pb.h"

namespace weft {

// WatchStats: up to options.max_watchers streams, further ones are refused. A stream is told at
// once and then at each interval, by the Door's own time; one whose client has not taken the
// message before is told when it has, of all the time since: it gets fewer messages, never a queue.
// Each stream holds the handlers' totals it told last, 4 KiB a handler. Owned by AdminService. Door
// thread only.
class StatsWatch final : public TickListener {
 public:
  // All outlive this.
  StatsWatch(const RpcContext& context, v1::AdminService::AsyncService& service,
             const ProdSteering& steering, const StatsTeller& teller);
  ~StatsWatch();

  void Start();
  // Tells every stream that is due; returns when the next one is. Ends all of them as soon as a
  // drain has nothing in flight any more, so that they do not keep the Door up.
  sys::Ticks Tick(sys::Ticks now) override;
  // Ends every stream with UNAVAILABLE; one that has not taken its last message, after that.
  void End();
  // Streams that are open and were not refused.
  size_t open() const;

 private:
  struct Parts;
  class Stream;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
