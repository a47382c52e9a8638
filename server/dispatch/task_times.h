#pragma once

#include "core/message.h"
#include "dispatch/task_table.h"
#include "task/task_result.h"

namespace weft {

// What the stamps of an ended task tell about the promises made for it.
struct TimesVerdict {
  bool clamped = false;          // It started before it was submitted: two CPUs' clocks disagree.
  bool order_broken = false;     // Of one CPU's stamps, a later one is earlier.
  bool deadline_broken = false;  // Started after its deadline, or expired before it.
};

// Sets the times and latencies of *result from the stamps of an ended task, all converted with the
// task's own anchor and subtracted in nanoseconds: queue + execution = total exactly. Pure.
// What it tells goes out by address: returned, its bytes would be gathered into a word through the
// stack, which takes as long as all the rest.
void SetTimes(const DoorTask& task, const Completion& ended, TaskResult* result,
              TimesVerdict* verdict);

}  // namespace weft
