#pragma once

#include <cstdint>
#include <span>

#include "sys/clock.h"
#include "task/cancel_reason.h"
#include "task/plain_result.h"
#include "task/task_result.h"

namespace weft {

struct DoorTask;
class ResultReceiver;

// Whoever owns several receivers and would rather hear of many results at once. Door thread only.
class ResultGatherer {
 public:
  // In place of OnResult of each of receivers, which are in the order of results.each. As there.
  virtual void OnResults(const PlainResults& results,
                         std::span<ResultReceiver* const> receivers) = 0;

 protected:
  ~ResultGatherer() = default;
};

// Somebody who is owed one task's result: a call that runs, streams or waits. Linked intrusively
// while it waits, so it must not move, and must leave (Dispatcher::Leave) before it goes away.
// Door thread only.
class ResultReceiver {
 public:
  // Called exactly once, unless it leaves first. The result's views hold for this call only, and
  // only until the call submits a task. It has been unlinked before, and may submit, wait or be
  // destroyed within the call. ended is false when a wait elapsed: the result then tells the state
  // the task is in.
  virtual void OnResult(const TaskResult& result, bool ended) = 0;

  // Who may be told instead; null: nobody.
  ResultGatherer* gatherer() const { return gatherer_; }

 protected:
  ResultReceiver() = default;
  ~ResultReceiver() = default;
  ResultReceiver(const ResultReceiver&) = delete;
  ResultReceiver& operator=(const ResultReceiver&) = delete;

  // While it is linked nowhere.
  void set_gatherer(ResultGatherer* gatherer) { gatherer_ = gatherer; }

 private:
  friend class WaiterList;
  friend class WaitDeadlines;

  static constexpr uint32_t kNoDeadline = UINT32_MAX;

  ResultReceiver* next_ = nullptr;
  ResultReceiver* previous_ = nullptr;
  DoorTask* task_ = nullptr;  // Whose list it is linked in; null: in none.
  ResultGatherer* gatherer_ = nullptr;
  sys::Ticks wait_until_ = 0;              // Meaningful while it has a place among the deadlines.
  uint32_t deadline_place_ = kNoDeadline;  // Among the WaitDeadlines.
};

// Somebody who asked for a cancel and is owed its acknowledgement. As above.
class CancelReceiver {
 public:
  // Called exactly once, unless it leaves first (Dispatcher::LeaveCancel).
  virtual void OnCancelled(CancelOutcome outcome, TaskState state) = 0;

 protected:
  CancelReceiver() = default;
  ~CancelReceiver() = default;
  CancelReceiver(const CancelReceiver&) = delete;
  CancelReceiver& operator=(const CancelReceiver&) = delete;

 private:
  friend class CancelList;

  CancelReceiver* next_ = nullptr;
  DoorTask* task_ = nullptr;
};

}  // namespace weft
