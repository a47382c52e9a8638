#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "sys/memory.h"

namespace weft {

// Memory for all stacks of a core: one mapping, a guard page below each stack, committed by the
// kernel page by page as it is touched. Where the kernel has guard markers (Linux 6.13) their
// number is bounded by address space alone; elsewhere each guard takes two of the mappings that
// vm.max_map_count allows. Owned by the core; Before Start only, but for Release.
class StackPool {
 public:
  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // ResourceExhausted when the kernel refuses, with the bytes asked for and the likely limit.
  absl::Status Map(uint32_t count, size_t stack_bytes);

  // Lowest usable byte of a stack; index below the count mapped.
  char* Bottom(uint32_t index) const;
  // Usable bytes of a stack: as asked for, and up to two pages more. Tops are spread over the sets
  // of a cache: were they all at one place of their pages, what tasks have there would drive each
  // other's out (1,000 that take turns: × 0.58 of the time, bench/README.md).
  size_t Bytes(uint32_t index) const { return room_bytes_ - (index % kColours) * kColourBytes; }

  // What one stack takes of address space, with its guard and the spread of tops; what Lock locks.
  static size_t StrideOf(size_t stack_bytes);
  // Before Start only. Locks the first count stacks, as far as the process may.
  void Lock(uint32_t count, sys::LockedMemory* tally) const;

  // Before Start only. All stacks with their guards.
  std::span<const std::byte> memory() const {
    return std::as_bytes(std::span(mapping_.data(), mapping_.bytes()));
  }

  // They outlive the pool, for ever.
  void Leave() { mapping_.Leave(); }

  // Core thread only. Gives the memory of a stack that nothing stands on back to the kernel: a
  // system call.
  void Release(uint32_t index) const { sys::Mapping::Release(Bottom(index), room_bytes_); }

 private:
  // Three quarters of a page, so that a task of modest depth still has one page. Against a half,
  // 64 tasks that take turns are 10 % faster: what they have there then fits the first cache.
  static constexpr uint32_t kColours = 48;
  static constexpr size_t kColourBytes = 64;

  sys::Mapping mapping_;
  size_t room_bytes_ = 0;  // Above the guard.
  size_t stride_ = 0;
};

}  // namespace weft
