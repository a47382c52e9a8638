#pragma once

#include <cstdint>

#include "executor/task_context.h"
#include "sys/io_operation.h"

namespace weft {

// How long a call of task_net.h and its like may take; then it answers -ETIME. What is negative has
// passed already.
inline constexpr int64_t kNoTimeLimit = 0;

// When a call of several operations is to be over. Lives on the task's stack.
class TimeLimit {
 public:
  TimeLimit(TaskContext& context, int64_t limit_ns) : context_(context) {
    if (limit_ns == kNoTimeLimit) return;
    const int64_t now_ns = context.NowNs();
    if (limit_ns < kNever - now_ns) end_ns_ = now_ns + limit_ns;
  }

  // Gives an operation what is left; false: nothing is.
  bool GiveTo(sys::IoOperation* operation) {
    if (end_ns_ == kNever) return true;
    operation->time_limit_ns = end_ns_ - context_.NowNs();
    return operation->time_limit_ns > 0;
  }

 private:
  static constexpr int64_t kNever = INT64_MAX;

  TaskContext& context_;
  int64_t end_ns_ = kNever;
};

}  // namespace weft
