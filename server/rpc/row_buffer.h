#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "grpc/slice.h"
#include "grpcpp/support/slice.h"

namespace weft {

// Encoded rows that wait to be sent, in slices that become the message as they are. Its owner
// bounds how many rows and bytes wait. Door thread only.
class RowBuffer {
 public:
  RowBuffer() = default;
  ~RowBuffer() { Clear(); }
  RowBuffer(const RowBuffer&) = delete;
  RowBuffer& operator=(const RowBuffer&) = delete;

  // Room for one row of exactly so many bytes, to be written before the next call.
  uint8_t* Add(size_t bytes) {
    if (chunks_.empty() || chunks_.back().size - chunks_.back().used < bytes) Grow(bytes);
    Chunk& chunk = chunks_.back();
    uint8_t* const to = GRPC_SLICE_START_PTR(chunk.slice) + chunk.used;
    chunk.used += bytes;
    ++chunk.rows;
    ++rows_;
    bytes_ += bytes;
    return to;
  }

  // Moves the rows that came first to the end of *slices, as many as fit; those of the first slice
  // always do. Returns how many rows there were.
  size_t Take(size_t bytes_max, std::vector<grpc::Slice>* slices) {
    size_t count = 0;
    size_t rows = 0;
    size_t bytes = 0;
    for (; count < chunks_.size(); ++count) {
      const Chunk& chunk = chunks_[count];
      if (count > 0 && bytes + chunk.used > bytes_max) break;
      bytes += chunk.used;
      rows += chunk.rows;
      slices->emplace_back(grpc_slice_sub_no_ref(chunk.slice, 0, chunk.used),
                           grpc::Slice::STEAL_REF);
    }
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(count));
    rows_ -= rows;
    bytes_ -= bytes;
    return rows;
  }

  // Drops all rows; returns how many there were.
  size_t Clear() {
    for (const Chunk& chunk : chunks_) grpc_slice_unref(chunk.slice);
    chunks_.clear();
    bytes_ = 0;
    return std::exchange(rows_, 0);
  }

  size_t rows() const { return rows_; }
  size_t bytes() const { return bytes_; }

 private:
  struct Chunk {
    grpc_slice slice;
    size_t size = 0;
    size_t used = 0;
    size_t rows = 0;
  };
  // The first is for a few rows, the next for many.
  static constexpr size_t kFirstChunkBytes = 2 * 1024;
  static constexpr size_t kChunkBytes = 16 * 1024;

  void Grow(size_t bytes) {
    const size_t size = std::max(bytes, chunks_.empty() ? kFirstChunkBytes : kChunkBytes);
    chunks_.push_back({grpc_slice_malloc_large(size), size, 0, 0});
  }

  std::vector<Chunk> chunks_;
  size_t rows_ = 0;
  size_t bytes_ = 0;
};

}  // namespace weft
