#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace weft {

// Memory for all stacks of a core: one mapping, a guard page below each stack, committed by the
// kernel page by page as it is touched. Owned by the core; Before Start only.
class StackPool {
 public:
  StackPool() = default;
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // ResourceExhausted when the kernel refuses, with the bytes asked for and the likely limit.
  absl::Status Map(uint32_t count, size_t stack_bytes);

  // Lowest usable byte of a stack; index below the count mapped.
  void* Bottom(uint32_t index) const;
  // Usable bytes of each: as asked for, rounded up to pages.
  size_t stack_bytes() const { return stack_bytes_; }

 private:
  char* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  size_t stack_bytes_ = 0;
  size_t stride_ = 0;
};

}  // namespace weft
