#pragma once

#include <atomic>
#include <cstdint>

namespace weft {

// Numbers with one writer. Protocol: the owning thread alone writes, and so needs no locked
// operation; any thread reads. All orders are relaxed and pair with nothing: a reader learns a
// value that was true a moment ago, and nothing about other memory.

namespace cell_internal {
// The owner's load, addition and store. One instruction, of which compilers make three for an
// atomic: a task counts itself in a dozen cells.
inline void Add(std::atomic<uint64_t>& cell, uint64_t amount) {
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
  asm("addq %1, %0" : "+m"(cell) : "er"(amount) : "cc");
#else
  cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
#endif
}
}  // namespace cell_internal

// Only grows. A reader never sees it go back.
class Counter {
 public:
  // Owner thread only.
  void Add(uint64_t amount = 1) { cell_internal::Add(value_, amount); }

  // Any thread.
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Goes up and down.
class Gauge {
 public:
  // Owner thread only.
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  // Any thread.
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

}  // namespace weft
