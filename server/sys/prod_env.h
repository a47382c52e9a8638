#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "sys/clock.h"
#include "sys/io_system.h"
#include "sys/memory.h"
#include "sys/ring.h"
#include "sys/thread.h"

namespace weft::sys {

// The real machine as the core sees it: the `Env` of production builds. Any thread; holds only the
// anchor of its construction, whose rate is good for durations. For wall-clock stamps the Door uses
// the Clock's current anchor.
class ProdEnv {
 public:
  // io outlives every copy; null: no file I/O.
  explicit ProdEnv(const ClockAnchor& anchor, IoSystem* io = nullptr) : anchor_(anchor), io_(io) {}

  Ticks Now() const { return ReadTicks(); }
  // Cheaper; see ReadTicksUnordered.
  Ticks NowUnordered() const { return ReadTicksUnordered(); }

  // For how long the calling thread has had a CPU, in nanoseconds. A system call.
  int64_t ThreadCpuNs() const;

  // Sleeps while `word` holds `while_equal`, until `until` at the longest (kTicksForever: no end).
  // Returns at once when the word differs. May also return early for no reason: look again.
  void Sleep(std::atomic<uint32_t>& word, uint32_t while_equal, Ticks until);

  // Ends one Sleep on `word`. Change the word before, or the sleeper sleeps on.
  void Wake(std::atomic<uint32_t>& word);

  // One step of a spin loop.
  void Relax() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  const ClockAnchor& anchor() const { return anchor_; }

  // How the blocking pool begins a thread.
  static ThreadStarter thread_starter() { return &StartThread; }

  // Before Start only. The ring of the core of that index, once; null when there is no file I/O.
  std::unique_ptr<Ring> TakeRing(uint32_t index) {
    return io_ == nullptr ? nullptr : io_->TakeRing(index);
  }

  // Before Start only. Keeps memory of a core on a NUMA node, as sys::KeepOnNode does. How many
  // bytes of it are elsewhere all the same: all when the kernel refuses.
  static uint64_t KeepOnNode(const void* from, size_t bytes, uint32_t node) {
    return sys::KeepOnNode(from, bytes, node) ? BytesOffNode(from, bytes, node) : bytes;
  }

 private:
  const ClockAnchor anchor_;
  IoSystem* const io_;
};

}  // namespace weft::sys
