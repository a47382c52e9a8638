#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "executor/executor.h"
#include "executor/options.h"

namespace weft {

// What the fallback executor is lent by its owner. Each may be null.
struct FallbackOptions {
  // Nanoseconds on a clock that never goes back. Without one all times are 0, and a body that waits
  // for a time is due at once.
  int64_t (*now_ns)(void* argument) = nullptr;
  // How BlockOn waits until a time, or until `woken`: it may come back at any time before. Without
  // one it polls again at once.
  void (*wait_until)(void* argument, int64_t time_ns) = nullptr;
  // Any thread. Somebody has woken a body: an owner that sleeps is to poll.
  void (*woken)(void* argument) = nullptr;
  void* argument = nullptr;
};

// The executor that is always there: no thread, no heap, no library, 32 tasks. Its owner polls it:
// one PollOnce is one turn, in which each task that was there at its start is polled once, in the
// order in which they were spawned, whether anybody woke it or not. So a run depends on nothing but
// what the bodies do and what the clock says: the test double for authors of handlers.
//
// Owner's thread only, but for IsRunning and what a BodyWaker does. A body may call Spawn; its task
// is polled from the next turn on. From within a poll everything else is kNotSupported. The 33rd
// task is kOutOfResources; a place is free again after the turn in which its task ended. What it
// has no notion of, suspending handlers and file I/O, executor/handler_body.h answers with not
// supported by name.
class FallbackExecutor final : public Executor {
 public:
  static constexpr size_t kMostTasks = kFallbackTasksMax;

  constexpr FallbackExecutor() = default;
  explicit constexpr FallbackExecutor(const FallbackOptions& options) : options_(options) {}

  ExecutorError Spawn(TaskBody& body) override;
  ExecutorError BlockOn(TaskBody& body) override;
  PollResult PollOnce() override;
  bool IsRunning() const override { return is_running_.load(std::memory_order_relaxed); }
  ExecutorError Shutdown() override;

  size_t task_count() const { return count_; }
  uint64_t turn_count() const { return turns_; }

 private:
  struct Task {
    TaskBody* body = nullptr;  // Null: it has ended, and its place goes with the turn.
    int64_t poll_at_ns = kPollNow;
  };

  static void Wake(void* executor, uint64_t task);
  int64_t NowNs() const;
  bool PollTask(Task& task, const BodyContext& context);
  uint32_t Turn(bool should_stop);
  void DropEnded();
  int64_t NextNs() const;

  FallbackOptions options_;
  std::array<Task, kMostTasks> tasks_;  // The first count_ of them, in the order of Spawn.
  size_t count_ = 0;
  uint64_t turns_ = 0;
  bool is_polling_ = false;
  std::atomic<bool> is_running_{true};  // Relaxed, pairs with nothing.
  // Somebody has news for a body. Pairs Wake's release with Turn's acquire, so that the polls of
  // that turn see the news.
  std::atomic<bool> is_woken_{false};
};
// All that it takes beside the bodies, which belong to others: 32 tasks within 2 KiB.
static_assert(sizeof(FallbackExecutor) <= 2048);

}  // namespace weft
