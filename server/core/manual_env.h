#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/fake_ring.h"
#include "sys/clock.h"
#include "sys/ring.h"
#include "sys/thread.h"

namespace weft {

// The CPU of a ManualEnv's threads.
struct ManualCpu {
  int64_t off_core_ns = 0;  // For so long they had none so far.
  int64_t sleep_ns = 0;     // So long each sleep takes.
};

// A machine of several NUMA nodes, as a ManualEnv's cores see it: what they asked to keep where.
struct ManualNodes {
  struct Kept {
    std::span<const std::byte> memory;
    uint32_t node = 0;
  };

  // Whether what was kept holds the address.
  bool Holds(const void* at, uint32_t node) const {
    return std::ranges::any_of(kept, [&](const Kept& one) {
      const auto* const byte = static_cast<const std::byte*>(at);
      return one.node == node && byte >= one.memory.data() &&
             byte < one.memory.data() + one.memory.size();
    });
  }

  std::vector<Kept> kept;
  uint64_t off_bytes = 0;  // Of each part so many are elsewhere.
};

// An Env whose time stands still until it is moved: the test double of sys::ProdEnv. Copies share
// one clock, so that a test can hold it while cores have it. Whoever sleeps is woken at once.
class ManualEnv {
 public:
  // One tick is one nanosecond; Unix time is ticks plus kUnixOffset.
  static constexpr int64_t kUnixOffset = 1'700'000'000'000'000'000;

  // now, system and cpu outlive every copy; system null: no file I/O; cpu null: threads always have
  // one, and sleeps take no time.
  explicit ManualEnv(sys::Ticks* now, FakeSystem* system = nullptr, ManualCpu* cpu = nullptr)
      : now_(now), system_(system), cpu_(cpu) {
    anchor_.unix_ns = kUnixOffset;
  }

  sys::Ticks Now() const { return *now_; }
  sys::Ticks NowUnordered() const { return *now_; }
  int64_t ThreadCpuNs() const { return *now_ - (cpu_ == nullptr ? 0 : cpu_->off_core_ns); }
  void Sleep(std::atomic<uint32_t>& /*word*/, uint32_t /*while_equal*/, sys::Ticks /*until*/) {
    if (cpu_ == nullptr) return;
    *now_ += cpu_->sleep_ns;
    cpu_->off_core_ns += cpu_->sleep_ns;
  }
  void Wake(std::atomic<uint32_t>& /*word*/) { ++wakes_; }
  void Relax() {}
  const sys::ClockAnchor& anchor() const { return anchor_; }
  // Of the real threads of a blocking pool; for the core to be prepared next.
  void set_thread_starter(sys::ThreadStarter starter) { thread_starter_ = std::move(starter); }
  const sys::ThreadStarter& thread_starter() const { return thread_starter_; }
  std::unique_ptr<sys::Ring> TakeRing(uint32_t /*index*/) {
    return system_ == nullptr ? nullptr : std::make_unique<FakeRing>(system_);
  }
  // For the core to be prepared next; outlives it.
  void set_nodes(ManualNodes* nodes) { nodes_ = nodes; }
  uint64_t KeepOnNode(const void* from, size_t bytes, uint32_t node) {
    if (nodes_ == nullptr) return bytes;
    nodes_->kept.push_back({{static_cast<const std::byte*>(from), bytes}, node});
    return nodes_->off_bytes;
  }
  int wakes() const { return wakes_; }

 private:
  sys::Ticks* now_;
  FakeSystem* system_;
  ManualCpu* cpu_;
  ManualNodes* nodes_ = nullptr;
  sys::ThreadStarter thread_starter_ = &sys::StartThread;
  sys::ClockAnchor anchor_;
  int wakes_ = 0;
};

}  // namespace weft
