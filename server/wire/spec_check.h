#pragma once

#include <string_view>

#include "task/limits.h"
#include "task/priority.h"
#include "task/refusal.h"
#include "task/task_spec.h"
#include "weft/v1/task.pb.h"

// What every reader of a weft.v1.TaskSpec checks. Pure functions, any thread.

namespace weft {

// As the message has them; one this version does not know is refused.
struct WirePriorities {
  int task = 0;
  int io = 0;

  bool known() const {
    return task >= v1::PRIORITY_UNSPECIFIED && task <= v1::PRIORITY_LOW &&
           io >= v1::PRIORITY_UNSPECIFIED && io <= v1::PRIORITY_LOW;
  }
};

// Sets both priorities of the spec. False: spec->handler is empty or overlong, or this version does
// not know a priority; SpecRefusal tells.
inline bool CompleteSpec(WirePriorities priorities, TaskSpec* spec) {
  if (spec->handler.empty() || spec->handler.size() > kMaxHandlerNameBytes) return false;
  if (!priorities.known()) return false;
  // The enumerators of both sides are in the same order; protobuf's begin one later.
  spec->priority = priorities.task == v1::PRIORITY_UNSPECIFIED
                       ? Priority::kNormal
                       : static_cast<Priority>(priorities.task - 1);
  spec->io_priority = priorities.io == v1::PRIORITY_UNSPECIFIED
                          ? spec->priority
                          : static_cast<Priority>(priorities.io - 1);
  return true;
}

// field_prefix is where the spec stands in the request ("spec", "specs[3]").
Refusal SpecRefusal(WirePriorities priorities, std::string_view field_prefix, const TaskSpec& spec);

}  // namespace weft
