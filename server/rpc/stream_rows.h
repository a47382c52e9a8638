#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "dispatch/receiver.h"
#include "task/task_id.h"
#include "weft/v1/task_service.pb.h"

namespace weft {

class StreamCall;

// One row of a stream whose task has not ended. Linked in its stream while it lives, so that a
// broken stream finds its tasks. Door thread only.
class LiveRow final : public ResultReceiver {
 public:
  void OnResult(const TaskResult& result, bool ended) override;

  StreamCall* stream = nullptr;
  TaskId task;
  LiveRow* next = nullptr;
  LiveRow* previous = nullptr;
};

// What streams use again: rows that wait for a result, and messages for rows that have one. As many
// as were ever needed at once; StreamCall bounds that. Door thread only.
class StreamRows {
 public:
  LiveRow& TakeLive() {
    if (free_live_ == nullptr) {
      live_.emplace_back();
      free_live_ = &live_.back();
    }
    LiveRow* const row = free_live_;
    free_live_ = row->next;
    row->next = row->previous = nullptr;
    return *row;
  }
  void ReturnLive(LiveRow& row) {
    row.stream = nullptr;
    row.next = free_live_;
    free_live_ = &row;
  }

  // A message that may still hold an earlier answer, to be overwritten.
  v1::StreamTasksRow* TakeMessage() {
    if (spare_.empty()) return new v1::StreamTasksRow;
    v1::StreamTasksRow* const row = spare_.back().release();
    spare_.pop_back();
    return row;
  }
  void ReturnMessage(v1::StreamTasksRow* row) {
    std::unique_ptr<v1::StreamTasksRow> owned(row);
    if (spare_.size() >= kSpareMax) return;
    if (owned->result().output().capacity() > kKeptOutputBytesMax) return;
    spare_.push_back(std::move(owned));
  }

 private:
  static constexpr size_t kSpareMax = 16'384;
  static constexpr size_t kKeptOutputBytesMax = 1024;

  std::deque<LiveRow> live_;  // Does not move them.
  LiveRow* free_live_ = nullptr;
  std::vector<std::unique_ptr<v1::StreamTasksRow>> spare_;
};

}  // namespace weft
