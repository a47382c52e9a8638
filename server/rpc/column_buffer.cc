#include "rpc/column_buffer.h"

#include <utility>

#include "grpc/slice.h"
#include "task/limits.h"

namespace weft {

std::unique_ptr<ColumnChunk> ColumnChunks::Take() {
  if (warm_.empty()) return std::make_unique<ColumnChunk>();
  std::unique_ptr<ColumnChunk> chunk = std::move(warm_.back());
  warm_.pop_back();
  return chunk;
}

void ColumnChunks::Return(std::unique_ptr<ColumnChunk> chunk) {
  if (warm_.size() >= kWarmMax || chunk->message.SpaceUsedLong() > kKeptBytesMax) return;
  chunk->message.Clear();
  chunk->bytes = 0;
  chunk->has_outputs = chunk->has_suspended = chunk->has_cores = chunk->has_priorities =
      chunk->has_times = chunk->has_off_core = false;
  warm_.push_back(std::move(chunk));
}

ColumnChunk& ColumnBuffer::Room(size_t bytes) {
  if (!chunks_.empty()) {
    ColumnChunk& last = *chunks_.back();
    if (last.message.columns().count() < kMaxRows && last.bytes + bytes <= message_bytes_max_) {
      return last;
    }
  }
  chunks_.push_back(pool_.Take());
  return *chunks_.back();
}

static_assert(TaskResult::kNotTold == -1, "as the column says it");

void ColumnBuffer::Add(const TaskResult& result) {
  const size_t bytes = BytesOf(result);
  ColumnChunk& chunk = Room(bytes);
  v1::ResultColumns& columns = *chunk.message.mutable_columns();
  columns.set_count(columns.count() + 1);
  columns.add_task_ids(result.id.value());
  columns.add_client_tags(result.client_tag);
  columns.add_submitted_at_ns(result.submitted_at_ns);
  columns.add_started_at_ns(result.started_at_ns);
  columns.add_completed_at_ns(result.completed_at_ns);
  columns.add_suspended_ns(result.suspended_ns);
  columns.add_cores(result.cpu);
  // The enumerators begin one later on the wire (task_wire.cc).
  columns.add_priorities(static_cast<v1::Priority>(static_cast<int>(result.priority) + 1));
  columns.add_off_core_ns(result.off_core_ns);
  columns.add_output_bytes(static_cast<uint32_t>(result.output.size()));
  if (!result.output.empty()) {
    columns.mutable_outputs()->append(result.output);
    chunk.has_outputs = true;
  }
  chunk.has_times |= result.started_at_ns != 0;
  chunk.has_off_core |= result.off_core_ns != TaskResult::kNotTold;
  chunk.has_suspended |= result.suspended_ns != 0;
  chunk.has_cores |= result.cpu != 0;
  chunk.has_priorities |= result.priority != Priority::kNormal;
  chunk.bytes += bytes;
  ++rows_;
  bytes_ += bytes;
}

size_t ColumnBuffer::Take(std::vector<grpc::Slice>* slices) {
  if (chunks_.empty()) return 0;
  std::unique_ptr<ColumnChunk> chunk = std::move(chunks_.front());
  chunks_.pop_front();
  v1::ResultColumns& columns = *chunk->message.mutable_columns();
  if (!chunk->has_outputs) columns.clear_output_bytes();
  if (!chunk->has_suspended) columns.clear_suspended_ns();
  if (!chunk->has_off_core) columns.clear_off_core_ns();
  if (!chunk->has_cores) columns.clear_cores();
  if (!chunk->has_priorities) columns.clear_priorities();
  if (!chunk->has_times) {
    columns.clear_started_at_ns();
    columns.clear_completed_at_ns();
  }
  const size_t rows = columns.count();
  grpc_slice encoded = grpc_slice_malloc_large(chunk->message.ByteSizeLong());
  chunk->message.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(encoded));
  slices->emplace_back(encoded, grpc::Slice::STEAL_REF);
  rows_ -= rows;
  bytes_ -= chunk->bytes;
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
