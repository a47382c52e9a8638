#pragma once

#include <string_view>

#include "task/limits.h"
#include "task/priority.h"
#include "task/refusal.h"
#include "task/task_spec.h"
#include "weft/v1/task.pb.h"

// What every reader of a weft.v1.TaskSpec checks. Pure functions, any thread.

namespace weft {

// Sets spec->priority. False: spec->handler is empty or overlong, or this version does not know the
// priority; SpecRefusal tells.
inline bool CompleteSpec(int priority, TaskSpec* spec) {
  if (spec->handler.empty() || spec->handler.size() > kMaxHandlerNameBytes) return false;
  if (priority < v1::PRIORITY_UNSPECIFIED || priority > v1::PRIORITY_LOW) return false;
  // The enumerators of both sides are in the same order; protobuf's begin one later.
  spec->priority = priority == v1::PRIORITY_UNSPECIFIED ? Priority::kNormal
                                                        : static_cast<Priority>(priority - 1);
  return true;
}

// field_prefix is where the spec stands in the request ("spec", "specs[3]").
Refusal SpecRefusal(int priority, std::string_view field_prefix, const TaskSpec& spec);

}  // namespace weft
