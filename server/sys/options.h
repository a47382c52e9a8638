#pragma once

#include <cstdint>

namespace weft {

// Which way file I/O takes.
enum class IoChoice : uint8_t {
  kAuto,     // io_uring where the kernel grants it, else threads.
  kIoUring,  // io_uring, or no start.
  kThreads,
};

// How the daemon does its file I/O.
struct IoOptions {
  IoChoice backend = IoChoice::kAuto;
  uint32_t ring_entries = 256;  // Operations under way at once, of each core.
  uint32_t threads = 4;         // Shared by all cores; with io_uring at most two, for hints.
};

}  // namespace weft
