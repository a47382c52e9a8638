#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "async/wait_result.h"
#include "executor/task_context.h"

namespace weft {

// Knows how many of some tasks have not ended, and lets one wait for all of them. Any thread. A
// tracker that goes before its tasks leaves them running, tracked by nobody.
class TaskTracker {
 public:
  struct State;

  // Counts as one task for as long as it lives; goes with the callable of a tracked task.
  class [[nodiscard]] Tracked {
   public:
    explicit Tracked(std::shared_ptr<State> state);
    Tracked(Tracked&& other) noexcept = default;
    Tracked& operator=(Tracked&&) = delete;
    ~Tracked();

   private:
    std::shared_ptr<State> state_;
  };

  TaskTracker();
  Tracked Track() const { return Tracked(state_); }
  uint64_t count() const;

  // Suspends until there is none: kDone. Those that come while it waits are waited for, too.
  WaitResult Drain(TaskContext& context, int64_t until_ns = kNoEnd) const;
  // From a thread that runs no tasks, which blocks; until_ns: of RemoteWaiter::ThreadNowNs.
  // kElsewhere on a thread that runs tasks.
  WaitResult BlockingDrain(int64_t until_ns = kNoEnd) const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace weft
