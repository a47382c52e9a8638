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
  Runner* next_spare = nullptr;
  uint32_t index = 0;  // Of its stack.
};

}  // namespace weft
