#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "sys/io_levels.h"
#include "sys/io_operation.h"
#include "sys/thread.h"

namespace weft::sys {

class ThreadRing;

// The threads that do file I/O where there is no io_uring, shared by all cores. Those that wait are
// served by level, see IoLevels, and each is done under its level's I/O priority. Holds no more
// than the rings' capacities together, for each ring bounds its own. Any thread. Outlives its
// rings; destruction joins the threads.
class IoPool {
 public:
  // cpus: where the threads run; empty: as the calling thread.
  static absl::StatusOr<std::unique_ptr<IoPool>> Start(size_t threads,
                                                       const std::vector<int>& cpus);
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  // For a ring that is attached: all of its list.
  void Push(ThreadRing* ring, IoList* operations);
  // True when the operation had not begun and now never will.
  bool Withdraw(IoOperation* operation);
  // Forgets what the ring has in the queue, then blocks until no thread is busy with an operation
  // of the ring, or with telling it of one.
  void Release(const ThreadRing* ring);

 private:
  IoPool() = default;
  void Run();

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable quiet_;
  IoLevels queue_;
  bool stop_ = false;
  std::vector<Thread> threads_;
};

}  // namespace weft::sys
