#pragma once

#include <cstdint>

namespace weft::sys {

// Tells which parts of files the system's page cache holds. One thread.
class PageCache {
 public:
  // Whether all of this part is there, or is on its way; false also where the system does not tell:
  // before Linux 6.5, or when the call is not allowed. Microseconds.
  bool Holds(int fd, uint64_t offset, uint64_t bytes);

 private:
  bool can_tell_ = true;
};

}  // namespace weft::sys
