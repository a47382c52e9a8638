#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "async/cancellation.h"
#include "embed/executor_options.h"
#include "executor/task_host.h"

namespace weft {

struct CoreGroupOptions {
  ExecutorOptions executor;  // Of each core.
  // The CPU that each core is pinned to; empty: one core that is pinned nowhere.
  std::vector<int> cpus;
  uint32_t blocking_threads = 0;  // Of the pool for tasks that block, at most; 0: there is none.
  // Told of each index that CoreAt refuses, and how many cores there are, on the thread that asked.
  std::function<void(size_t index, size_t cores)> on_refused_index;
};

// Cores with threads of their own, as weftd has them, for tasks that a program spawns on any of
// them from any thread: see async/spawn.h. Any thread, but for what says otherwise.
class CoreGroup {
 public:
  // InvalidArgument names the field; FailedPrecondition a CPU that is not granted.
  static absl::StatusOr<std::unique_ptr<CoreGroup>> Start(const CoreGroupOptions& options = {});
  // Not on one of its threads. Waits for what runs; tasks that are left are abandoned.
  ~CoreGroup();
  CoreGroup(const CoreGroup&) = delete;
  CoreGroup& operator=(const CoreGroup&) = delete;

  size_t size() const;
  // Tasks of each core that are started and suspended at once, at most.
  uint32_t stacks() const;
  // OutOfRange names the index and how many there are; it is counted and told.
  absl::StatusOr<TaskHost*> CoreAt(size_t index);
  uint64_t refused_indexes() const;
  // Runs its tasks on threads that may block; null: there is none.
  TaskHost* pool();

  // Cancelled by Quiesce: what long-lived tasks wait for, or are spawned with.
  const CancellationToken& shutdown() const;
  // On a thread that runs no tasks: requests the shutdown and waits until no task lives and no
  // handle is held, for timeout_ns at the longest; what is held then. It may be called again.
  absl::StatusOr<HeldTasks> Quiesce(int64_t timeout_ns);
  HeldTasks held() const;

 private:
  struct Engine;

  explicit CoreGroup(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

}  // namespace weft
