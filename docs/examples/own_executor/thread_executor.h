#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "executor/blocked_body.h"
#include "executor/executor.h"

namespace own {

// An executor of one's own: a thread that polls whoever is due. All that it takes is to override
// what it offers; PollOnce it does not, as nobody else polls, and so that answers kNotSupported.
// Any thread, but BlockOn and Shutdown not on the executor's own.
class ThreadExecutor final : public weft::Executor {
 public:
  static constexpr size_t kMostTasks = 64;

  ThreadExecutor() : thread_([this] { Run(); }) {}
  ~ThreadExecutor() { Shutdown(); }

  weft::ExecutorError Spawn(weft::TaskBody& body) override;
  weft::ExecutorError BlockOn(weft::TaskBody& body) override;
  bool IsRunning() const override { return is_running_.load(); }
  weft::ExecutorError Shutdown() override;

 private:
  struct Task {
    weft::TaskBody* body = nullptr;
    int64_t poll_at_ns = weft::kPollNow;
    uint64_t number = 0;
    bool is_woken = false;
  };

  static void Wake(void* executor, uint64_t number);
  void Run();
  // With the lock held, which it releases for the poll.
  void Poll(Task& task, bool is_last, std::unique_lock<std::mutex>& lock);
  void Wait(std::unique_lock<std::mutex>& lock);

  std::atomic<bool> is_running_{true};
  std::mutex mutex_;
  // From here on guarded by the mutex.
  std::condition_variable changed_;
  std::vector<Task> tasks_;  // Those that have ended have no body any more.
  std::vector<Task> fresh_;  // Spawned, perhaps while others are polled.
  size_t count_ = 0;         // Of both, without those that have ended.
  uint64_t last_number_ = 0;
  bool is_woken_ = false;
  std::thread thread_;
};

}  // namespace own
