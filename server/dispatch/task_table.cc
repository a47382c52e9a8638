#include "dispatch/task_table.h"

#include <bit>
#include <cstring>
#include <new>

#include "sys/prefetch.h"

namespace weft {

namespace {

// All that admission writes of the next task.
void PrefetchTask(const DoorTask& task) {
  const char* const begin = reinterpret_cast<const char*>(&task);
  for (size_t line = 0; line < sizeof(DoorTask); line += 64) sys::PrefetchForWrite(begin + line);
}

}  // namespace

void DoorTask::KeepLabels(std::string_view labels) {
  label_bytes = std::make_unique_for_overwrite<char[]>(labels.size());
  std::memcpy(label_bytes.get(), labels.data(), labels.size());
  labels_size = static_cast<uint16_t>(labels.size());
}

void DoorTask::DropLabels() {
  label_bytes.reset();
  labels_size = 0;
}

TaskTable::TaskTable(const Options& options)
    : core_index_(options.core_index),
      free_count_(options.slots),
      next_serial_(options.first_serial & TaskId::kSerialMask) {
  assert(options.slots > 0);
  // Twice what it must hold, so that a free entry is near and never missing.
  const uint64_t size = std::bit_ceil(2 * (uint64_t{options.slots} + options.kept));
  mask_ = size - 1;
  directory_.reset(static_cast<Entry*>(std::calloc(size, sizeof(Entry))));
  if (directory_ == nullptr) throw std::bad_alloc();
  tasks_.resize(options.slots);
  live_marks_.resize((options.slots + 63) / 64);
  for (uint32_t slot = 0; slot < options.slots; ++slot) {
    tasks_[slot].next_free = slot + 1 < options.slots ? slot + 1 : kNoSlot;
  }
}

TaskTable::Claimed TaskTable::Claim() {
  assert(!full());
  Claimed claimed;
  NextFreeSerial(&claimed);
  claimed.slot = free_head_;
  DoorTask& task = tasks_[claimed.slot];
  assert(!task.live);
  free_head_ = task.next_free;
  --free_count_;
  if (!full()) PrefetchTask(tasks_[free_head_]);
  task.id = TaskId::Make(core_index_, next_serial_);
  task.live = true;
  live_marks_[claimed.slot / 64] |= uint64_t{1} << (claimed.slot % 64);
  Entry& entry = EntryOf(task.id);
  entry.serial = next_serial_;
  entry.index = claimed.slot;
  entry.kind = Kind::kLive;
  next_serial_ = (next_serial_ + 1) & TaskId::kSerialMask;
  return claimed;
}

// Live tasks take at most half of the directory, so the walk ends; kept results are passed over,
// too, as long as they leave room. The worst walk is one lap, once a lap of serials.
void TaskTable::NextFreeSerial(Claimed* claimed) {
  const bool keep = kept_ <= directory_size() / 2;
  for (uint64_t step = 0; step <= mask_; ++step) {
    Entry& entry = directory_[next_serial_ & mask_];
    // Serial 0 of core 0 would be id 0, which is no task.
    const bool usable =
        next_serial_ != 0 && (entry.kind == Kind::kNone || (entry.kind == Kind::kKept && !keep));
    if (usable) {
      if (entry.kind == Kind::kKept) {
        claimed->displaced = true;
        claimed->displaced_record = entry.index;
        --kept_;
      }
      return;
    }
    next_serial_ = (next_serial_ + 1) & TaskId::kSerialMask;
  }
  assert(false && "the directory has twice the entries that can be taken");
}

void TaskTable::MarkEnded(uint32_t slot) {
  assert(tasks_[slot].live);
  tasks_[slot].live = false;
  live_marks_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
}

void TaskTable::End(uint32_t slot) {
  MarkEnded(slot);
  EntryOf(tasks_[slot].id) = Entry{};
}

void TaskTable::EndKept(uint32_t slot, uint32_t record) {
  MarkEnded(slot);
  Entry& entry = EntryOf(tasks_[slot].id);
  entry.index = record;
  entry.kind = Kind::kKept;
  ++kept_;
}

void TaskTable::Release(uint32_t slot) {
  DoorTask& task = tasks_[slot];
  assert(!task.live);
  task.id = TaskId();
  task.next_free = free_head_;
  free_head_ = slot;
  ++free_count_;
}

void TaskTable::Forget(TaskId id) {
  Entry& entry = EntryOf(id);
  if (entry.kind != Kind::kKept || entry.serial != id.serial()) return;
  entry = Entry{};
  --kept_;
}

TaskTable::Place TaskTable::Find(TaskId id) const {
  const Entry& entry = directory_[id.serial() & mask_];
  if (entry.kind == Kind::kNone || entry.serial != id.serial()) return {};
  if (id.core_index() != core_index_) return {};
  return {.kind = entry.kind, .index = entry.index};
}

uint64_t TaskTable::CountLive() const {
  uint64_t count = 0;
  for (const uint64_t word : live_marks_) count += static_cast<uint64_t>(std::popcount(word));
  return count;
}

}  // namespace weft
