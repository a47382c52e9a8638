#pragma once

#include <cstddef>
#include <cstdint>

#include "task/task_summary.h"

namespace weft {

// Where a listing stands. A task keeps its place in the directory of its core from admission until
// it is forgotten, so a listing is one lap of each directory, core by core, from the newest entry
// back; whatever is there from its begin to its end is met exactly once. Plain data.
struct ListCursor {
  uint32_t core = 0;   // Index of the core whose lap it is.
  uint32_t start = 0;  // Position in the directory at which that lap began.
  uint32_t done = 0;   // Positions of that lap that are behind.

  bool operator==(const ListCursor&) const = default;
};

// What one List looks at, at most, because the Door does nothing else meanwhile: places in
// directories, about 1 ns each, and tasks, about 100 ns.
inline constexpr size_t kListEntriesMax = 65'536;
inline constexpr size_t kListTasksMax = 2'048;

// Takes the tasks that a listing finds. Door thread only.
class TaskLister {
 public:
  // The views hold for this call only, in which nothing may be asked of the Dispatcher.
  virtual void OnTask(const TaskSummary& task) = 0;
  // Whether the page is full.
  virtual bool full() const = 0;

 protected:
  ~TaskLister() = default;
};

}  // namespace weft
