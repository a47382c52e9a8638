#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include "dispatch/payload.h"
#include "dispatch/waiters.h"
#include "executor/task_entry.h"
#include "sys/clock.h"
#include "task/cancel_reason.h"
#include "task/limits.h"
#include "task/priority.h"
#include "task/task_id.h"

namespace weft {

// What the Door keeps of a task from admission until its end was delivered, or is about to be with
// others, and the last cancel of it acknowledged. Its place in the table is the task's slot on the
// core, too.
struct DoorTask {
  TaskId id;
  uint64_t client_tag = 0;
  sys::Ticks submitted = 0;
  sys::Ticks deadline = 0;
  sys::ClockAnchor anchor;  // All stamps of the task are converted with this one.
  PayloadBlock* block = nullptr;
  WaiterList waiters;
  CancelList cancels;
  const TaskEntry* entry = nullptr;
  std::unique_ptr<char[]> label_bytes;  // Null unless the task has labels.
  uint32_t payload_bytes = 0;
  union {
    uint32_t next_free = 0;  // While the slot is free: the next such one.
    float expected_wait;     // While it is not: see StartForecast. Here a task stays 112 bytes.
  };
  uint16_t labels_size = 0;
  Priority priority = Priority::kNormal;
  bool retain = false;
  bool cancel_posted = false;  // A kCancel message is out and not yet answered.
  bool live = false;           // Admitted and not ended.

  // In the flat form of task/labels.h.
  std::string_view labels() const { return {label_bytes.get(), labels_size}; }
  void KeepLabels(std::string_view labels);
  void DropLabels();
  // Nobody asks more of it than its result.
  bool is_plain() const { return live && !retain && !cancel_posted && labels_size == 0; }
  // What counts in limits.max_in_flight_bytes.
  size_t held_bytes() const { return size_t{payload_bytes} + labels_size; }
};
static_assert(kMaxLabelsBytes <= UINT16_MAX);
static_assert(sizeof(DoorTask) == 112, "each admission fetches one, and each end");

// The tasks of one core, by slot and by id. Slots are reused last in, first out, to stay in the
// cache. Ids are found through a ring directory: the entry of a serial is `serial & mask`, and a
// serial whose entry is taken is skipped, so that an entry names one task at a time and the full
// serial tells whose it is. Allocated whole at construction. Owned by the Dispatcher. Door thread
// only.
class TaskTable {
 public:
  struct Options {
    uint32_t core_index = 0;
    uint32_t slots = 0;
    uint32_t kept = 0;  // How many kept results of this core the directory is sized for.
    uint64_t first_serial = 0;
  };
  enum class Kind : uint8_t { kNone, kLive, kKept };
  struct Place {
    Kind kind = Kind::kNone;
    uint32_t index = 0;  // kLive: the slot; kKept: the record in Retention.
  };
  struct Claimed {
    uint32_t slot = 0;
    // A kept result that had to give way; its record is to be forgotten. Only when more than half
    // of the directory is kept results, which then all come from this core.
    bool displaced = false;
    uint32_t displaced_record = 0;
  };

  explicit TaskTable(const Options& options);

  // Takes a free slot and gives it the next id; not when full(). The task is live, the other
  // fields are the caller's to fill.
  Claimed Claim();
  // The task has ended: from now on its id finds nothing.
  void End(uint32_t slot);
  // The task has ended: from now on its id finds that record.
  void EndKept(uint32_t slot, uint32_t record);
  // Frees the slot of an ended task.
  void Release(uint32_t slot);
  // A kept result was dropped; its id finds nothing.
  void Forget(TaskId id);

  // kNone for every id that is not exactly one given here and still remembered.
  Place Find(TaskId id) const;

  DoorTask& task(uint32_t slot) { return tasks_[slot]; }
  const DoorTask& task(uint32_t slot) const { return tasks_[slot]; }
  uint32_t SlotOf(const DoorTask& task) const {
    return static_cast<uint32_t>(&task - tasks_.data());
  }
  bool full() const { return free_head_ == kNoSlot; }
  // Slots that Claim could take.
  uint32_t free() const { return free_count_; }
  uint32_t slots() const { return static_cast<uint32_t>(tasks_.size()); }
  size_t directory_size() const { return mask_ + 1; }

  // What stands in the directory; a task keeps its position from Claim until its id finds nothing.
  // Any number is taken for a position: only its lower bits count.
  Place At(uint64_t position) const {
    const Entry& entry = directory_[position & mask_];
    return {.kind = entry.kind, .index = entry.index};
  }
  // Of the task claimed last.
  uint32_t newest_position() const { return static_cast<uint32_t>((next_serial_ - 1) & mask_); }
  // Whether no id finds anything.
  bool remembers_none() const { return kept_ == 0 && CountLive() == 0; }

  // Live tasks counted one by one, from marks that no other count is derived from. Costs about one
  // instruction for 64 slots.
  uint64_t CountLive() const;

 private:
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  struct Entry {
    uint64_t serial = 0;
    uint32_t index = 0;
    Kind kind = Kind::kNone;
  };

  struct FreeZeroed {
    void operator()(Entry* entries) const { std::free(entries); }
  };
  static_assert(std::is_trivially_destructible_v<Entry> && static_cast<int>(Kind::kNone) == 0);

  Entry& EntryOf(TaskId id) { return directory_[id.serial() & mask_]; }
  void NextFreeSerial(Claimed* claimed);
  void MarkEnded(uint32_t slot);

  uint32_t core_index_;
  uint32_t free_head_ = 0;
  uint32_t free_count_;
  uint64_t next_serial_;
  uint64_t mask_;
  size_t kept_ = 0;
  std::vector<DoorTask> tasks_;
  // mask_ + 1 of them, all zero at first: no memory is committed before serials get there.
  std::unique_ptr<Entry[], FreeZeroed> directory_;
  std::vector<uint64_t> live_marks_;  // One bit a slot.
};

}  // namespace weft
