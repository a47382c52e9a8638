#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/options.h"
#include "core/stall_detector.h"
#include "core/stats.h"
#include "metrics/cell.h"
#include "sys/io_operation.h"
#include "sys/thread.h"

namespace weft {

struct BlockingRun;

// A thread of the pool, as the run on it and those who watch it see it.
class BlockingThread {
 public:
  // The run's thread only. What it runs from now on; none: nothing.
  void Show(const RunningHandler& running) {
    since_.store(running.since, std::memory_order_relaxed);
    entry_.store(running.entry, std::memory_order_release);
  }
  // Any thread.
  RunningHandler running() const {
    return {entry_.load(std::memory_order_acquire), since_.load(std::memory_order_relaxed)};
  }
  // The run's thread only. Its file operations, also those that a handler makes by itself, have
  // that level from now on: a system call when it is another than before.
  void TakeIoLevel(uint8_t level) {
    if (std::exchange(io_level_, level) != level) sys::TakeIoPriority(level);
  }
  // The run's thread only. Does an operation and counts it.
  int64_t RunIo(sys::IoOperation& operation, const sys::StopQuestion& stop);
  // Any thread. Only operations, failures and in_flight.
  const IoCounters& io() const { return io_; }
  // Any thread. As the system numbers it; 0 before it first ran.
  int thread_id() const { return thread_id_.load(std::memory_order_relaxed); }

  // What a run that sleeps waits for a change of, whose partner is whoever has published a cancel:
  // increment with release, then end the sleep.
  std::atomic<uint32_t>& alarm() { return alarm_; }

 private:
  friend class BlockingPool;
  enum class Phase : uint8_t { kNone, kIdle, kBusy };

  std::atomic<const TaskEntry*> entry_{nullptr};
  std::atomic<sys::Ticks> since_{0};
  std::atomic<int> thread_id_{0};
  std::atomic<uint32_t> alarm_{0};
  IoCounters io_;
  uint8_t io_level_ = sys::kIoLevelCount;  // That: none yet.
  // Guarded by the pool's mutex.
  Phase phase_ = Phase::kNone;
  BlockingRun* next_run_ = nullptr;
  BlockingThread* next_idle_ = nullptr;
  std::condition_variable given_;
  std::optional<sys::Thread> thread_;
};

// What the pool has a thread run. Made by who wants it and stays where it is until `done`.
struct BlockingRun {
  // On the thread; must not throw.
  void (*run)(BlockingRun& self, BlockingThread& thread) = nullptr;
  // On the thread, after it was given back: the last that anybody does with the run.
  void (*done)(BlockingRun& self) = nullptr;
};

// Threads that may block, for the tasks of blocking handlers. Owned by one core, the pool's, which
// queues those tasks and gives no more than threads_max of them at once; so nothing queues here.
// Threads begin when there is work and none is idle, end after idling, and the last to idle works
// first. They run where their core runs, behind all else (nice 19): four whose handlers compute
// take a twentieth of its CPU from a busy thread there, sixteen a fifth (bench/README.md).
class BlockingPool {
 public:
  explicit BlockingPool(const BlockingOptions& options,
                        sys::ThreadStarter starter = &sys::StartThread);
  // Waits for what runs.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Core thread only, with fewer than threads_max under way. When no further thread is granted and
  // none is free, ResourceExhausted says what to raise: a run that waited here could neither be
  // cancelled nor expire.
  absl::Status Start(BlockingRun& run);
  // Core thread only. Runs that sleep look again whether they are to stop. A cancel is rare, and
  // whoever looked for nothing goes back to sleep.
  template <class Env>
  void WakeSleepers(Env& env) {
    for (BlockingThread& thread : threads_) {
      thread.alarm().fetch_add(1, std::memory_order_release);
      env.Wake(thread.alarm());
    }
  }
  // Core thread only, or after it has ended. Waits for what runs and for all threads to end.
  void Stop();

  // Any thread.
  size_t threads_max() const { return threads_.size(); }
  BlockingThread& thread(size_t index) { return threads_[index]; }
  const BlockingThread& thread(size_t index) const { return threads_[index]; }
  // Any thread. Those that live, those that run something; threads that the system granted, and
  // refused, since the start.
  size_t alive() const { return static_cast<size_t>(alive_.value()); }
  size_t busy() const { return static_cast<size_t>(busy_.value()); }
  uint64_t started() const { return started_.value(); }
  uint64_t refused() const { return refused_.value(); }

 private:
  BlockingThread* TakeIdle();
  BlockingThread* TakeUnused();
  absl::Status StartThread(BlockingThread& thread);
  void RefuseThread(BlockingThread& thread);
  void Run(BlockingThread& thread);
  void End(std::unique_lock<std::mutex>& lock, BlockingThread& thread);
  BlockingRun* AwaitRun(std::unique_lock<std::mutex>& lock, BlockingThread& thread);
  void GiveBack(BlockingThread& thread);

  const BlockingOptions options_;
  const sys::ThreadStarter starter_;
  std::mutex mutex_;
  // From here on guarded by the mutex.
  BlockingThread* idle_ = nullptr;  // Last in, first out.
  // The last that has ended; whoever ends next joins it, so that only its stack is kept.
  std::optional<sys::Thread> ended_;
  bool stop_ = false;
  Gauge alive_;
  Gauge busy_;
  Counter started_;
  Counter refused_;
  std::deque<BlockingThread> threads_;
};

}  // namespace weft
