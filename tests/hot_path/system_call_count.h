#pragma once

#include <cstdint>

namespace weft {

// Counts the system calls of the thread that makes it, whoever makes them in whatever library,
// while it lives; each is carried out as ever. One at a time, on one thread; needs a kernel that
// hands system calls back to their process (Linux 5.11, x86-64), and no sanitizer.
class SystemCallCount {
 public:
  SystemCallCount();
  ~SystemCallCount();
  SystemCallCount(const SystemCallCount&) = delete;
  SystemCallCount& operator=(const SystemCallCount&) = delete;

  // False: it counts nothing.
  bool works() const { return works_; }

  uint64_t count() const;
  // Of those, the ones with this number, which is below 512.
  uint64_t count_of(int64_t number) const;
  // The number of the last one that was counted, or -1.
  int64_t last() const;

 private:
  bool works_ = false;
};

}  // namespace weft
