#pragma once

#include <cstdint>

#include "sys/io_operation.h"

namespace weft::sys {

// Tells which parts of files the system's page cache holds. One thread.
class PageCache {
 public:
  enum class Part : uint8_t {
    kAll,      // There, or on its way.
    kSome,     // Not all of it.
    kNothing,  // Or a file of an overlay, of which Linux up to 6.18 tells nothing else.
    kUnknown,  // The system does not tell: before Linux 6.5, or of a file that is not ours.
  };
  // How much of this part of a file is there. Microseconds.
  Part Holds(int fd, uint64_t offset, uint64_t bytes);

  // Whether a hint needs nothing to be done: waking a thread for that costs the Door tens of
  // microseconds. Sets was_missing. The file is no longer read ahead by whoever reads it.
  bool IsDone(IoOperation* hint);

 private:
  bool can_tell_ = true;
};

}  // namespace weft::sys
