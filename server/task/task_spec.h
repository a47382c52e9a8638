#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "task/priority.h"

namespace weft {

// What was asked for, as plain data. The views point into the message that carried it, which
// stays until the submission is answered or its PayloadBlock is released.
struct TaskSpec {
  std::string_view handler;
  std::string_view payload;
  Priority priority = Priority::kNormal;
  Priority io_priority = Priority::kNormal;  // Of its file operations.
  int64_t timeout_ns = 0;                    // 0: none; otherwise 1 to kMaxTimeoutNs.
  std::optional<uint32_t> cpu;               // CPU number of the core that must run it.
  uint64_t client_tag = 0;
  std::string_view affinity_key;  // Tasks of one key share a core; empty: any core.
  std::string_view labels;        // See task/labels.h; these are no part of the message.
};

}  // namespace weft
