#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sys/io_operation.h"
#include "sys/net_address.h"
#include "sys/thread.h"

namespace weft::sys {

class PoolSeat;

// A name to be looked up, and what it stands for. Lent with its operation.
struct NameLookup {
  static constexpr size_t kMostAddresses = 16;

  std::string host;
  uint16_t port = 0;
  std::vector<NetAddress>
      addresses;  // In the order they are to be tried; the first kMostAddresses.
};

// Asks the system (getaddrinfo: /etc/hosts, DNS, as it is set up) for addresses of streams. 0 and
// at least one address; -ENOENT: there is no such name, -EAGAIN: nobody answered in time, or
// another -errno. Blocks: a server that does not answer is given up after a few seconds.
int64_t LookUpName(NameLookup* lookup);

// Threads that look names up in the cores' stead, beside those for files: a name server may take
// seconds, and a disk must not wait for it. What waits is served in order. Holds no more than there
// are suspended tasks. A cancel never waits for the name server: what a thread is at is then given
// up and its answer dropped, so nothing of an asker is touched any more. Any thread. Outlives the
// rings; destruction joins the threads.
class NameResolver {
 public:
  using Lookup = std::function<int64_t(NameLookup*)>;

  static constexpr size_t kThreads = 2;

  // cpus: where the threads run; empty: as the calling thread.
  static absl::StatusOr<std::unique_ptr<NameResolver>> Start(const std::vector<int>& cpus,
                                                             Lookup look_up = &LookUpName);
  ~NameResolver();
  NameResolver(const NameResolver&) = delete;
  NameResolver& operator=(const NameResolver&) = delete;

  // Takes an operation over, and gives it back through the seat.
  void Add(IoOperation* operation, PoolSeat* seat);
  // True when it has not come to an end and never will.
  bool Withdraw(IoOperation* operation);
  // Forgets all of the seat's, then blocks until no thread is telling of one.
  void Release(PoolSeat* seat);

 private:
  // What one thread is at. Null: nothing, or nobody asks any more.
  struct Work {
    IoOperation* operation = nullptr;
  };

  explicit NameResolver(Lookup look_up) : look_up_(std::move(look_up)) {}
  void Run(Work* work);

  const Lookup look_up_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::condition_variable quiet_;
  // From here on guarded by the mutex.
  IoList queue_;
  std::vector<Work> works_ = std::vector<Work>(kThreads);
  size_t telling_ = 0;
  bool stop_ = false;
  std::vector<Thread> threads_;
};

}  // namespace weft::sys
