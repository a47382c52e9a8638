#pragma once

#include <cstddef>
#include <deque>

#include "dispatch/receiver.h"
#include "rpc/column_buffer.h"
#include "task/task_id.h"

namespace weft {

class StreamCall;

// One row of a stream whose task has not ended. Linked in its stream while it lives, so that a
// broken stream finds its tasks. Door thread only.
class LiveRow final : public ResultReceiver {
 public:
  void OnResult(const TaskResult& result, bool ended) override;

  // in_columns: it came so, and so will its answer go, if they have a place for it.
  void Begin(StreamCall& call, size_t bytes, bool in_columns);

  StreamCall* stream = nullptr;
  TaskId task;
  size_t payload_bytes = 0;
  bool is_in_columns = false;
  LiveRow* next = nullptr;
  LiveRow* previous = nullptr;
};

// Rows that wait for a result, used again. As many as were ever needed at once; StreamCall bounds
// that. Door thread only.
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
  // For the answers in columns, of all streams.
  ColumnChunks& column_chunks() { return column_chunks_; }
  void ReturnLive(LiveRow& row) {
    row.stream = nullptr;
    row.next = free_live_;
    free_live_ = &row;
  }

 private:
  std::deque<LiveRow> live_;  // Does not move them.
  LiveRow* free_live_ = nullptr;
  ColumnChunks column_chunks_;
};

}  // namespace weft
