#include "rpc/column_buffer.h"

#include <utility>

#include "grpc/slice.h"
#include "task/limits.h"

namespace weft {

std::unique_ptr<ResultColumns> ColumnChunks::Take() {
  if (warm_.empty()) return std::make_unique<ResultColumns>();
  std::unique_ptr<ResultColumns> chunk = std::move(warm_.back());
  warm_.pop_back();
  return chunk;
}

void ColumnChunks::Return(std::unique_ptr<ResultColumns> chunk) {
  if (warm_.size() >= kWarmMax) return;
  if (chunk->outputs().capacity() > kKeptBytesMax) chunk->DropOutputs();
  chunk->Clear();
  warm_.push_back(std::move(chunk));
}

ResultColumns& ColumnBuffer::Room(size_t results, size_t output_bytes) {
  if (!chunks_.empty()) {
    ResultColumns& last = *chunks_.back();
    const size_t count = last.count() + results;
    const size_t bytes = BytesOf(count, last.outputs().size() + output_bytes);
    if (count <= kMaxRows && bytes <= message_bytes_max_) return last;
  }
  chunks_.push_back(pool_.Take());
  return *chunks_.back();
}

void ColumnBuffer::Add(const TaskResult& result) {
  Room(1, result.output.size()).Add(result);
  ++rows_;
  bytes_ += BytesOf(result);
}

void ColumnBuffer::Add(const PlainResults& results) {
  if (BytesOf(results) <= message_bytes_max_) {
    Room(results.each.size(), results.output_bytes).Add(results);
  } else {
    for (size_t i = 0; i < results.each.size(); ++i) {
      PlainResults one = results;
      one.each = results.each.subspan(i, 1);
      one.output_bytes = one.each.front().output.size();
      Room(1, one.output_bytes).Add(one);
    }
  }
  rows_ += results.each.size();
  bytes_ += BytesOf(results);
}

size_t ColumnBuffer::Take(std::vector<grpc::Slice>* slices) {
  if (chunks_.empty()) return 0;
  std::unique_ptr<ResultColumns> chunk = std::move(chunks_.front());
  chunks_.pop_front();
  const size_t rows = chunk->count();
  grpc_slice encoded = grpc_slice_malloc_large(chunk->Measure());
  (void)chunk->Write(GRPC_SLICE_START_PTR(encoded));
  slices->emplace_back(encoded, grpc::Slice::STEAL_REF);
  rows_ -= rows;
  bytes_ -= BytesOf(rows, chunk->outputs().size());
  pool_.Return(std::move(chunk));
  return rows;
}

size_t ColumnBuffer::Clear() {
  while (!chunks_.empty()) {
    pool_.Return(std::move(chunks_.front()));
    chunks_.pop_front();
  }
  bytes_ = 0;
  return std::exchange(rows_, 0);
}

}  // namespace weft
