#include "dispatch/retention.h"

#include <cassert>
#include <cstring>

namespace weft {

Retention::Retention(const Options& options)
    : options_(options), blocks_((options.max_count + kBlockRecords - 1) / kBlockRecords) {}

std::optional<DropBound> Retention::NeverFits(size_t bytes) const {
  if (options_.max_count == 0) return DropBound::kCount;
  if (options_.max_age <= 0) return DropBound::kAge;
  if (bytes > options_.max_bytes) return DropBound::kBytes;
  return std::nullopt;
}

std::optional<DropBound> Retention::MustDrop(size_t bytes) const {
  if (next_ - first_ >= options_.max_count) return DropBound::kCount;
  if (bytes_ + bytes > options_.max_bytes) return DropBound::kBytes;
  return std::nullopt;
}

void Retention::SetBounds(sys::Ticks max_age, size_t max_bytes) {
  options_.max_age = max_age;
  options_.max_bytes = max_bytes;
}

std::optional<DropBound> Retention::OldestMustGo(sys::Ticks now) const {
  if (count_ == 0) return std::nullopt;
  if (bytes_ > options_.max_bytes) return DropBound::kBytes;
  if (next_expiry() <= now) return DropBound::kAge;
  return std::nullopt;
}

sys::Ticks Retention::next_expiry() const {
  if (count_ == 0) return sys::kTicksForever;
  const sys::Ticks kept_at = At(first_).kept_at;
  if (kept_at > sys::kTicksForever - options_.max_age) return sys::kTicksForever;
  return kept_at + options_.max_age;
}

TaskId Retention::DropOldest(DropBound bound) {
  assert(count_ > 0);
  Record& record = At(first_);
  const TaskId id = record.task.result.id;
  Empty(record);
  ++dropped_[static_cast<size_t>(bound)];
  return id;
}

void Retention::Forget(uint32_t record) {
  Empty(RecordAt(record));
  ++dropped_[static_cast<size_t>(DropBound::kDirectory)];
}

void Retention::Empty(Record& record) {
  assert(record.used);
  bytes_ -= record.output_bytes + record.error_bytes + record.labels_bytes;
  --count_;
  record.large.reset();
  record.used = false;
  while (first_ != next_ && !At(first_).used) ++first_;
}

size_t Retention::BytesOf(const TaskSummary& task) {
  return task.result.output.size() + task.result.error_message.size() + task.labels.size();
}

uint32_t Retention::Keep(const TaskSummary& task, sys::Ticks now) {
  const size_t bytes = BytesOf(task);
  assert(!NeverFits(bytes).has_value() && !MustDrop(bytes).has_value());
  const auto index = static_cast<uint32_t>(next_ % options_.max_count);
  std::unique_ptr<Record[]>& block = blocks_[index / kBlockRecords];
  if (block == nullptr) block = std::make_unique<Record[]>(kBlockRecords);
  Record& record = RecordAt(index);
  ++next_;
  record.task = task;
  record.task.result.output = {};
  record.task.result.error_message = {};
  record.task.labels = {};
  record.kept_at = now;
  record.output_bytes = static_cast<uint32_t>(task.result.output.size());
  record.error_bytes = static_cast<uint32_t>(task.result.error_message.size());
  record.labels_bytes = static_cast<uint32_t>(task.labels.size());
  record.used = true;
  char* to = record.small;
  if (bytes > kInlineBytes) {
    record.large = std::make_unique_for_overwrite<char[]>(bytes);
    to = record.large.get();
  }
  for (const std::string_view part : {task.result.output, task.result.error_message, task.labels}) {
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  ++count_;
  bytes_ += bytes;
  return index;
}

TaskSummary Retention::View(uint32_t index) const {
  const Record& record = RecordAt(index);
  assert(record.used);
  TaskSummary task = record.task;
  const char* from = record.large != nullptr ? record.large.get() : record.small;
  task.result.output = {from, record.output_bytes};
  task.result.error_message = {from + record.output_bytes, record.error_bytes};
  task.labels = {from + record.output_bytes + record.error_bytes, record.labels_bytes};
  return task;
}

}  // namespace weft
