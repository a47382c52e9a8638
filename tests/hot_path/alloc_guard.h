#pragma once

#include <cstdint>
#include <string>

namespace weft {

// Counts what the whole process allocates while it lives: malloc and its kin, which operator new
// uses, and mmap. Linking it replaces these functions, so a test of it is a binary of its own. One
// at a time; any thread is counted, so nothing else may be going on.
class AllocGuard {
 public:
  AllocGuard();
  ~AllocGuard();
  AllocGuard(const AllocGuard&) = delete;
  AllocGuard& operator=(const AllocGuard&) = delete;

  // False under sanitizers, which have an allocator of their own: it then counts nothing.
  static bool IsInstalled();

  uint64_t count() const;
  // The first allocation: how many bytes, and the addresses of its callers by name. Allocates.
  std::string DescribeFirst() const;
};

}  // namespace weft
