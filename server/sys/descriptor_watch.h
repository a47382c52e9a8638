#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "sys/fd.h"
#include "sys/io_operation.h"
#include "sys/thread.h"

namespace weft::sys {

class PoolSeat;

// Tells rings when descriptors have become ready, by one thread that sleeps in epoll, where there
// is no io_uring: so nothing that waits for a peer takes a thread. It makes no transfer: a ring
// gets the operation back and attempts it. Holds no more than there are suspended tasks; a place
// for each descriptor, up to the largest that was waited for. Any thread. Outlives the rings;
// destruction joins the thread.
//
// Several operations may wait for one descriptor, such as a read and a write of one socket, while
// epoll knows each only once. So it is asked for the events of all of them, once (EPOLLONESHOT),
// and again for those that are left. A readiness that is told wrongly, because a descriptor was
// closed and its number given away meanwhile, costs an attempt.
class DescriptorWatch {
 public:
  // cpus: where the thread runs; empty: as the calling thread.
  static absl::StatusOr<std::unique_ptr<DescriptorWatch>> Start(const std::vector<int>& cpus);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

  // Takes an operation over, and gives it back through the seat when it may be attempted again. 0,
  // or -errno: it is not taken, for its descriptor is none that can be waited for.
  int Add(IoOperation* operation, PoolSeat* seat);
  // True when it still waited and never will be given back.
  bool Withdraw(IoOperation* operation);
  // Forgets all of the seat's, then blocks until the thread is not telling of one.
  void Release(PoolSeat* seat);

 private:
  DescriptorWatch() = default;
  int Arm(int fd);
  void TakeReady(int fd, uint32_t events, IoList* ready);
  void Run();

  Fd epoll_;
  Fd stop_;  // An eventfd.
  std::mutex mutex_;
  std::condition_variable quiet_;
  // From here on guarded by the mutex.
  std::vector<IoList> waiting_;  // By descriptor.
  bool is_telling_ = false;
  bool is_stopped_ = false;
  std::vector<Thread> threads_;  // The one.
};

}  // namespace weft::sys
