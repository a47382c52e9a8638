#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "grpcpp/support/slice.h"
#include "task/task_result.h"
#include "weft/v1/task_service.pb.h"

namespace weft {

// Results on their way into columns: as many as one message carries.
struct ColumnChunk {
  v1::StreamTasksResponse message;
  size_t bytes = 0;
  // Whether a column has anything but what an absent one means.
  bool has_outputs = false;
  bool has_suspended = false;
  bool has_cores = false;
  bool has_priorities = false;
  bool has_times = false;
  bool has_off_core = false;
};

// Chunks to be used again with the memory they have, by all streams. Door thread only.
class ColumnChunks {
 public:
  std::unique_ptr<ColumnChunk> Take();
  void Return(std::unique_ptr<ColumnChunk> chunk);

 private:
  // So many keep their memory, if it is not more than that.
  static constexpr size_t kWarmMax = 16;
  static constexpr size_t kKeptBytesMax = 256 * 1024;

  std::vector<std::unique_ptr<ColumnChunk>> warm_;
};

// Results of one stream that wait to be sent as columns. Its owner bounds how many rows and bytes
// wait. Door thread only.
class ColumnBuffer {
 public:
  // message_bytes_max: of one message's columns; a single result may exceed it.
  ColumnBuffer(ColumnChunks& pool, size_t message_bytes_max)
      : pool_(pool), message_bytes_max_(message_bytes_max) {}

  // Whether columns have a place for it.
  static bool Takes(const TaskResult& result) { return result.state == TaskState::kSucceeded; }
  // How many bytes it counts for.
  static size_t BytesOf(const TaskResult& result) { return kFixedBytes + result.output.size(); }
  void Add(const TaskResult& result);

  // Encodes what came first, of one message, and adds it to *slices; returns how many results.
  size_t Take(std::vector<grpc::Slice>* slices);
  // Drops all; returns how many there were.
  size_t Clear();

  size_t rows() const { return rows_; }
  size_t bytes() const { return bytes_; }

 private:
  // Of one result but its output, encoded.
  static constexpr size_t kFixedBytes = 64;

  ColumnChunk& Room(size_t bytes);

  ColumnChunks& pool_;
  const size_t message_bytes_max_;
  std::deque<std::unique_ptr<ColumnChunk>> chunks_;
  size_t rows_ = 0;
  size_t bytes_ = 0;
};

}  // namespace weft
