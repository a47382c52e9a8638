#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "async/cancellation.h"
#include "async/spawn_family.h"
#include "embed/executor_options.h"
#include "executor/task_host.h"
#include "sys/clock.h"

namespace weft {

// An executor that the calling program turns itself, in a loop of its own, on the thread that made
// it: the same core as weftd's, without a thread. That thread alone calls it, and not from within a
// task, but for what says otherwise.
class TurnedExecutor {
 public:
  // InvalidArgument names the field; FailedPrecondition within a task; else why memory or io_uring
  // is not to be had.
  static absl::StatusOr<std::unique_ptr<TurnedExecutor>> Make(const ExecutorOptions& options = {});
  // Not within a task. Tasks that are left are abandoned, see Quiesce; how many tells
  // shutdown_stats() of host().frames()->shared_from_this(), kept from before.
  ~TurnedExecutor();
  TurnedExecutor(const TurnedExecutor&) = delete;
  TurnedExecutor& operator=(const TurnedExecutor&) = delete;

  // Any thread. Where to spawn; see async/spawn.h.
  TaskHost& host();

  // Runs what is ready, at most max_items starts and resumptions, and answers how many it did. When
  // there is nothing to do it waits: without a timeout until there is, else for timeout_ns at the
  // longest; 0 polls. Wake ends the wait, too. FailedPrecondition: another thread's, or within a
  // task. InvalidArgument: max_items is 0, or the timeout is negative.
  absl::StatusOr<size_t> Run(size_t max_items, std::optional<int64_t> timeout_ns = {});

  struct Polled {
    size_t items = 0;
    int64_t next_ns = kNoEnd;  // On HostNowNs: when a timer is due next, at the latest.
  };
  // Run with a timeout of 0, for a loop that has other things to wait for.
  absl::StatusOr<Polled> PollOnce(size_t max_items = 64);

  // Spawns the callable and turns until it has its value. Errors as of Run, Spawn and Join.
  template <class F>
  auto BlockOn(F callable) -> typename JoinHandle<spawn_internal::ValueOf<F>>::Result {
    if (absl::Status status = CheckCaller(); !status.ok()) return status;
    auto handle = Spawn(host(), std::move(callable));
    if (!handle.ok()) return handle.status();
    while (!handle->has_ended()) {
      if (const auto items = Run(kBlockItems); !items.ok()) return items.status();
    }
    return handle->BlockingJoin();
  }

  // Any thread. FailedPrecondition where Run would answer it.
  absl::Status CheckCaller() const;

  // Any thread. Ends a wait of Run, or the next one.
  void Wake();

  // Any thread. Asks all tasks that listen to shutdown() to end. Quiesce does so, too.
  void RequestShutdown();
  // Any thread. Cancelled by RequestShutdown: what long-lived tasks wait for, or are spawned with.
  const CancellationToken& shutdown() const { return shutdown_; }
  // Requests the shutdown and turns until no task lives and no handle is held, for timeout_ns at
  // the longest; what is held then. It may be called again.
  absl::StatusOr<HeldTasks> Quiesce(int64_t timeout_ns);
  // The same, but for handles: they may outlive their tasks.
  absl::StatusOr<HeldTasks> QuiesceTasks(int64_t timeout_ns);

  // Any thread. Tasks that have not ended; frames not freed, because the task lives or its handle
  // is held.
  uint64_t live() const;
  uint64_t outstanding() const;
  HeldTasks held() const;
  // Whether the next turn has something to run or to take in, timers aside.
  bool has_ready() const;
  // Tasks that are started and suspended at once, at most.
  uint32_t stacks() const;
  // "io_uring" or "threads".
  std::string_view io_backend() const;
  // How ticks become nanoseconds here.
  const sys::ClockAnchor& anchor() const;

 private:
  static constexpr size_t kBlockItems = 64;

  struct Engine;

  explicit TurnedExecutor(std::unique_ptr<Engine> engine);
  size_t TurnOnce(size_t max_items);
  absl::StatusOr<HeldTasks> TurnUntil(bool (*is_over)(const HeldTasks& held), int64_t timeout_ns);

  const std::thread::id thread_ = std::this_thread::get_id();
  CancellationToken shutdown_;
  std::unique_ptr<Engine> engine_;  // The core and what it stands on.
};

}  // namespace weft
