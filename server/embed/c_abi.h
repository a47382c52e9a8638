#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
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

struct weft_task {
  weft_task_attr attr = {};
  weft::JoinHandle<void> handle;  // While it is attached, until its end was looked at.
  bool was_attached = false;
  std::atomic<uint32_t> awaiters{0};  // Tasks that are in weft_await_task for it.
  weft_result result = {};
  // Written by whoever attaches, then by the executor's thread until the end.
  weft::sys::ClockAnchor anchor;
  weft::sys::Ticks attached = 0;
  weft::sys::Ticks begun = 0;
  weft::sys::Ticks suspended = 0;
  weft::sys::Ticks resumed = 0;
  weft::sys::Ticks done = 0;
  weft::sys::Ticks suspended_in_all = 0;
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
