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

bool Retention::OldestTooOld(sys::Ticks now) const { return count_ > 0 && next_expiry() <= now; }

sys::Ticks Retention::next_expiry() const {
  if (count_ == 0) return sys::kTicksForever;
  const sys::Ticks kept_at = At(first_).kept_at;
  if (kept_at > sys::kTicksForever - options_.max_age) return sys::kTicksForever;
  return kept_at + options_.max_age;
}

TaskId Retention::DropOldest(DropBound bound) {
  assert(count_ > 0);
  Record& record = At(first_);
  const TaskId id = record.result.id;
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
  bytes_ -= record.output_bytes + record.error_bytes;
  --count_;
  record.large.reset();
  record.used = false;
  while (first_ != next_ && !At(first_).used) ++first_;
}

uint32_t Retention::Keep(const TaskResult& result, sys::Ticks now) {
  const size_t bytes = result.output.size() + result.error_message.size();
  assert(!NeverFits(bytes).has_value() && !MustDrop(bytes).has_value());
  const auto index = static_cast<uint32_t>(next_ % options_.max_count);
  std::unique_ptr<Record[]>& block = blocks_[index / kBlockRecords];
  if (block == nullptr) block = std::make_unique<Record[]>(kBlockRecords);
  Record& record = RecordAt(index);
  ++next_;
  record.result = result;
  record.result.output = {};
  record.result.error_message = {};
  record.kept_at = now;
  record.output_bytes = static_cast<uint32_t>(result.output.size());
  record.error_bytes = static_cast<uint32_t>(result.error_message.size());
  record.used = true;
  char* to = record.small;
  if (bytes > kInlineBytes) {
    record.large = std::make_unique_for_overwrite<char[]>(bytes);
    to = record.large.get();
  }
  if (!result.output.empty()) std::memcpy(to, result.output.data(), result.output.size());
  if (!result.error_message.empty()) {
    std::memcpy(to + result.output.size(), result.error_message.data(),
                result.error_message.size());
  }
  ++count_;
  bytes_ += bytes;
  return index;
}

TaskResult Retention::View(uint32_t index) const {
  const Record& record = RecordAt(index);
  assert(record.used);
  TaskResult result = record.result;
  const char* from = record.large != nullptr ? record.large.get() : record.small;
  result.output = {from, record.output_bytes};
  result.error_message = {from + record.output_bytes, record.error_bytes};
  return result;
}

}  // namespace weft
