#pragma once

#include <cstdint>
#include <optional>

#include "core/fiber.h"
#include "sys/io_operation.h"

namespace weft {

struct LiveTask;

// A fiber that runs tasks back to back on one stack. One that suspends keeps it until it ends. A
// core has as many runners as stacks. Core thread only.
struct Runner {
  std::optional<Fiber> fiber;             // None: its stack has no memory.
  void* core = nullptr;                   // Whose it is.
  LiveTask* task = nullptr;               // What it runs, or will run at the next switch to it.
  sys::IoOperation* operation = nullptr;  // What its task waits for while it is kInIo.
  union {
    Runner* next_spare = nullptr;  // While it is spare.
    int64_t lost_before_ns;        // While its task is suspended: by its core, before that started.
    int64_t off_core_ns;           // In the pool: by its task, when that came back.
  };
  uint32_t index = 0;  // Of its stack.
};

}  // namespace weft
