#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "task/task_state.h"
#include "task/task_summary.h"

namespace weft {

// Which tasks are meant: those for which every part that is present holds. The views are those of
// the request that carried it. Any thread.
struct TaskFilter {
  static constexpr uint8_t kAllStates = (1U << kTaskStateCount) - 1;
  static constexpr uint8_t Bit(TaskState state) {
    return static_cast<uint8_t>(1U << static_cast<unsigned>(state));
  }

  uint8_t states = kAllStates;  // A bit for each that is meant.
  std::string_view handler;     // Empty: any.
  std::optional<uint32_t> cpu;  // CPU number of the core that has, or had, the task.
  std::string_view labels;      // All of these (task/labels.h).

  bool Matches(const TaskSummary& task) const;
};

}  // namespace weft
