#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "async/cancellation.h"
#include "async/spawn_family.h"
#include "core/core.h"
#include "core/doorbell.h"
#include "embed/executor_options.h"
#include "executor/mail.h"
#include "executor/task_host.h"
#include "sys/clock.h"
#include "sys/io_system.h"
#include "sys/prod_env.h"

namespace weft {

// An executor that the calling program turns itself, in a loop of its own, on the thread that made
// it: the same core as weftd's, without a thread. That thread alone calls it, and not from within a
// task, but for what says otherwise.
class TurnedExecutor {
 public:
  // InvalidArgument names the field; else why memory or io_uring is not to be had.
  static absl::StatusOr<std::unique_ptr<TurnedExecutor>> Make(const ExecutorOptions& options = {});
  // Tasks that are left are abandoned, see Quiesce; frames()->shutdown_stats() tells how many.
  ~TurnedExecutor();
  TurnedExecutor(const TurnedExecutor&) = delete;
  TurnedExecutor& operator=(const TurnedExecutor&) = delete;

  // Any thread. Where to spawn; see async/spawn.h.
  TaskHost& host() { return *core_; }

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

  // Any thread. Ends a wait of Run, or the next one.
  void Wake();

  // Any thread. Asks all tasks that listen to shutdown() to end. Quiesce does so, too.
  void RequestShutdown();
  // Any thread. Cancelled by RequestShutdown: what long-lived tasks wait for, or are spawned with.
  const CancellationToken& shutdown() const { return shutdown_; }
  // Requests the shutdown and turns until no task lives and no handle is held, for timeout_ns at
  // the longest; what is held then. It may be called again.
  absl::StatusOr<HeldTasks> Quiesce(int64_t timeout_ns);

  // Any thread. Tasks that have not ended; frames not freed, because the task lives or its handle
  // is held.
  uint64_t live() const { return core_->frames()->live(); }
  uint64_t outstanding() const { return core_->frames()->outstanding(); }
  HeldTasks held() const;
  // Whether the next turn has something to run or to take in, timers aside.
  bool has_ready() const { return core_->has_ready(); }
  const CoreStats& stats() const { return core_->stats(); }
  // "io_uring" or "threads".
  std::string_view io_backend() const { return io_->backend(); }
  const sys::ClockAnchor& anchor() const { return clock_.anchor(); }

 private:
  static constexpr size_t kBlockItems = 64;

  // How long Quiesce waits before it looks at what others hold.
  static constexpr int64_t kQuiesceLookNs = 1'000'000;

  struct WakeMail : Mail {
    TurnedExecutor* executor = nullptr;
    std::atomic<bool> is_sent{false};
  };

  explicit TurnedExecutor(const ExecutorOptions& options) : options_(options) {}
  absl::Status Start();
  absl::Status CheckCaller() const;
  size_t TurnOnce(size_t max_items);

  const ExecutorOptions options_;
  const std::thread::id thread_ = std::this_thread::get_id();
  sys::Clock clock_;
  Doorbell doorbell_;
  std::unique_ptr<sys::IoSystem> io_;
  CancellationToken shutdown_;
  WakeMail wake_;
  bool was_woken_ = false;
  bool is_turning_ = false;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
};

}  // namespace weft
