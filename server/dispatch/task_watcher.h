#pragma once

#include "task/task_filter.h"
#include "task/task_summary.h"

namespace weft {

// Somebody who is told of tasks as they are accepted and as they end. Linked intrusively while it
// watches, so it must not move, and must leave (Dispatcher::Unwatch) before it goes away. Door
// thread only.
class TaskWatcher {
 public:
  // Of every task that its filter means at that moment. The views hold for this call only, in which
  // nothing may be asked of the Dispatcher.
  virtual void OnEvent(TaskEventKind kind, const TaskSummary& task) = 0;

 protected:
  TaskWatcher() = default;
  ~TaskWatcher() = default;
  TaskWatcher(const TaskWatcher&) = delete;
  TaskWatcher& operator=(const TaskWatcher&) = delete;

 private:
  friend class TaskWatchers;

  TaskFilter filter_;
  TaskWatcher* next_ = nullptr;
  bool linked_ = false;
};

// All watchers, linked through themselves; rpc bounds how many. Owned by the Dispatcher. Door
// thread only.
class TaskWatchers {
 public:
  // watcher is linked nowhere; the filter's views hold until it is removed.
  void Add(TaskWatcher& watcher, const TaskFilter& filter) {
    watcher.filter_ = filter;
    watcher.linked_ = true;
    watcher.next_ = first_;
    first_ = &watcher;
  }
  // Harmless when it is linked nowhere. Walks the list: watchers are few.
  void Remove(TaskWatcher& watcher) {
    if (!watcher.linked_) return;
    TaskWatcher** link = &first_;
    while (*link != &watcher) link = &(*link)->next_;
    *link = watcher.next_;
    watcher.linked_ = false;
  }
  void Tell(TaskEventKind kind, const TaskSummary& task) {
    for (TaskWatcher* watcher = first_; watcher != nullptr; watcher = watcher->next_) {
      if (watcher->filter_.Matches(task)) watcher->OnEvent(kind, task);
    }
  }
  bool empty() const { return first_ == nullptr; }

 private:
  TaskWatcher* first_ = nullptr;
};

}  // namespace weft
