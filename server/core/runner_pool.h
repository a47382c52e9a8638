#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "absl/status/status.h"
#include "core/options.h"
#include "core/runner.h"
#include "core/stack_pool.h"
#include "core/stats.h"

namespace weft {

// The runners of a core, as many as it has stacks. Those with memory are used again, last in, first
// out; one more gets memory when no other is left. So what is committed follows the most that was
// in use at once, until Trim gives back what is beyond CoreOptions::stacks_kept. Owned by its core;
// core thread only.
class RunnerPool {
 public:
  explicit RunnerPool(CoreStats& stats) : stats_(stats) {}

  // Before Start only. ResourceExhausted as StackPool::Map. main is a runner's life, called with
  // it; core is what its member of that name shall be.
  absl::Status Prepare(const CoreOptions& options, Fiber::Main main, void* core);

  // Before Start only. Locks the memory of the first stacks_kept stacks, as far as the process may;
  // nothing is given back from then on.
  void Lock(sys::LockedMemory* tally);

  // Before Start only. What all stacks lie in.
  std::span<const std::byte> stacks() const { return stacks_.memory(); }

  // At the end: the stacks outlive the pool, for ever.
  void LeaveStacks() { stacks_.Leave(); }

  // Whether every runner is in use.
  bool empty() const { return spare_ == nullptr; }
  // One that was not in use; not when empty.
  Runner* Take() {
    Runner* const runner = spare_;
    spare_ = runner->next_spare;
    if (spare_ == nullptr) [[unlikely]]
      CommitOne();
    stats_.stacks_in_use.Set(stats_.stacks_in_use.value() + 1);
    return runner;
  }
  // No longer in use: its life goes on where it stands, with the next Take.
  void Put(Runner* runner) {
    runner->next_spare = spare_;
    spare_ = runner;
    stats_.stacks_in_use.Set(stats_.stacks_in_use.value() - 1);
  }

  // On the thread's own stack. Gives the memory of a few spare runners back, those that were not
  // used for longest, when more than stacks_kept have some: a system call each. False: there was
  // nothing to do, which costs two loads.
  bool Trim() {
    const int64_t spare = stats_.stacks_committed.value() - stats_.stacks_in_use.value();
    if (spare <= kept_) [[likely]]
      return false;
    TrimSome();
    return true;
  }

 private:
  void CommitOne();
  void TrimSome();

  CoreStats& stats_;
  StackPool stacks_;
  std::deque<Runner> runners_;
  Runner* spare_ = nullptr;  // With memory; never null while bare_ is not.
  Runner* bare_ = nullptr;   // Without.
  Fiber::Main main_ = nullptr;
  int64_t kept_ = 0;
};

}  // namespace weft
