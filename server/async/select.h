#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "async/join_handle.h"
#include "executor/task_context.h"

// Waiting for several tasks at once: for all, or for whichever ends first.
namespace weft {

// So many at a time: each is waited for on the stack of who does.
inline constexpr size_t kSelectMax = 64;

// Suspends until one of the tasks has ended; its index, the lowest if several have. All handles are
// as they were: that one's value is there to be joined, the others run on. Each handle is waited
// for by the caller alone.
//
// InvalidArgument: there is none, or there are more than kSelectMax. FailedPrecondition: one has no
// task, or is there twice. Cancelled, DeadlineExceeded: the caller was asked to stop, or its
// deadline or until_ns passed.
absl::StatusOr<size_t> SelectAny(TaskContext& context, std::span<TaskHandle* const> handles,
                                 int64_t until_ns = kNoEnd);

namespace select_internal {

// OK: all have ended.
absl::Status AwaitAll(TaskContext& context, std::span<TaskHandle* const> handles, int64_t until_ns);

}  // namespace select_internal

// Handles of one type, as SelectAny takes them.
template <class T>
std::vector<TaskHandle*> HandlesOf(std::span<JoinHandle<T>> handles) {
  std::vector<TaskHandle*> pointers;
  pointers.reserve(handles.size());
  for (JoinHandle<T>& handle : handles) pointers.push_back(&handle);
  return pointers;
}

// Suspends until all have ended, and joins them: what each came to, in their order. Of none: none.
// Errors as above, but for how many there may be; then nothing was joined, and all run on.
template <class T>
absl::StatusOr<std::vector<typename JoinHandle<T>::Result>> JoinAll(
    TaskContext& context, std::span<JoinHandle<T>> handles, int64_t until_ns = kNoEnd) {
  const std::vector<TaskHandle*> pointers = HandlesOf(handles);
  if (absl::Status all = select_internal::AwaitAll(context, pointers, until_ns); !all.ok()) {
    return all;
  }
  std::vector<typename JoinHandle<T>::Result> results;
  results.reserve(handles.size());
  for (JoinHandle<T>& handle : handles) results.push_back(handle.Join(context));
  return results;
}

}  // namespace weft
