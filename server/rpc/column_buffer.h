#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "grpcpp/support/slice.h"
#include "task/plain_result.h"
#include "task/task_result.h"
#include "wire/column_wire.h"

namespace weft {

// Messages to be used again with the memory they have, by all streams. Door thread only.
class ColumnChunks {
 public:
  std::unique_ptr<ResultColumns> Take();
  void Return(std::unique_ptr<ResultColumns> chunk);

 private:
  // So many stay, with room for outputs of so much.
  static constexpr size_t kWarmMax = 16;
  static constexpr size_t kKeptBytesMax = 64 * 1024;

  std::vector<std::unique_ptr<ResultColumns>> warm_;
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
  static size_t BytesOf(const TaskResult& result) { return BytesOf(1, result.output.size()); }
  void Add(const TaskResult& result);
  static size_t BytesOf(const PlainResults& results) {
    return BytesOf(results.each.size(), results.output_bytes);
  }
  void Add(const PlainResults& results);

  // Encodes what came first, of one message, and adds it to *slices; returns how many results.
  size_t Take(std::vector<grpc::Slice>* slices);
  // Drops all; returns how many there were.
  size_t Clear();

  size_t rows() const { return rows_; }
  size_t bytes() const { return bytes_; }

 private:
  // Of one result but its output, encoded.
  static constexpr size_t kFixedBytes = 72;

  static size_t BytesOf(size_t results, size_t output_bytes) {
    return results * kFixedBytes + output_bytes;
  }
  ResultColumns& Room(size_t results, size_t output_bytes);

  ColumnChunks& pool_;
  const size_t message_bytes_max_;
  std::deque<std::unique_ptr<ResultColumns>> chunks_;
  size_t rows_ = 0;
  size_t bytes_ = 0;
};

}  // namespace weft
