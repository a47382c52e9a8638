#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "weft/export.h"
#include "weft/v1/admin_service.pb.h"

namespace weft {

// The daemon's statistics again and again, by Client::WatchStats. One thread at a time, but Cancel.
class WEFT_EXPORT StatsWatch {
 public:
  StatsWatch(const StatsWatch&) = delete;
  StatsWatch& operator=(const StatsWatch&) = delete;
  // Breaks the call.
  ~StatsWatch();

  // Blocks until the next message, the first of which comes at once. An error means that the call
  // has ended: UNAVAILABLE with the daemon, CANCELLED after Cancel. Whoever takes messages late
  // gets fewer, each of all the time since the one before.
  [[nodiscard]] absl::StatusOr<v1::WatchStatsResponse> Next();

  // Any thread. Ends a Next that blocks.
  void Cancel();

 private:
  friend class Client;
  struct Call;
  explicit StatsWatch(std::unique_ptr<Call> call);

  std::unique_ptr<Call> call_;
};

}  // namespace weft
