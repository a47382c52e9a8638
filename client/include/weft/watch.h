#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "weft/export.h"
#include "weft/v1/task_service.pb.h"

namespace weft {

// Events of tasks as they are accepted and as they end. One thread at a time, but for Stop.
class WEFT_EXPORT TaskWatch {
 public:
  TaskWatch(const TaskWatch&) = delete;
  TaskWatch& operator=(const TaskWatch&) = delete;
  ~TaskWatch();  // Ends the call.

  // The next events, in order, and how many were missed before them because they were not taken
  // quickly enough; blocks until there is something to tell. The first has no events and tells that
  // the watch has begun. An error means that the watch has
  // ended: CANCELLED after Stop, UNAVAILABLE when the daemon has.
  [[nodiscard]] absl::StatusOr<v1::WatchTasksResponse> Next();

  // Any thread, also while another is in Next.
  void Stop();

 private:
  friend class Client;
  struct Call;
  explicit TaskWatch(std::unique_ptr<Call> call);

  std::unique_ptr<Call> call_;
};

}  // namespace weft
