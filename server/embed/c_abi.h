#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "absl/status/status.h"
#include "async/join_handle.h"
#include "embed/turned_executor.h"
#include "sys/clock.h"
#include "task/priority.h"
#include "weft/weft.h"

// What the opaque types of weft.h are.

struct weft_executor {
  std::unique_ptr<weft::TurnedExecutor> executor;
};

namespace weft {

// Of a task's last run. Written by whoever attaches, then by the executor's thread until the end.
struct TaskStamps {
  sys::ClockAnchor anchor = {};
  sys::Ticks attached = 0;
  sys::Ticks begun = 0;
  sys::Ticks suspended = 0;
  sys::Ticks resumed = 0;
  sys::Ticks done = 0;
  sys::Ticks suspended_in_all = 0;
};

}  // namespace weft

struct weft_task {
  weft_task_attr attr = {};
  weft::JoinHandle<void> handle;  // While it is attached, until its end was looked at.
  bool was_attached = false;
  std::atomic<uint32_t> awaiters{0};  // Tasks that are in weft_await_task for it.
  weft_result result = {};
  weft::TaskStamps stamps;
  // Of handle and was_attached while it is attached, against what its own code asks of it.
  std::mutex attaching;
};

// On the stack of the task's code.
struct weft_context {
  weft::TaskContext* context = nullptr;
  weft_task* task = nullptr;
};

namespace weft {

weft_result ResultOf(weft_code code, std::string_view message, int64_t value = 0);
// OK is a success with that value.
weft_result ResultOf(const absl::Status& status, int64_t value = 0);

}  // namespace weft
