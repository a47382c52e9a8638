#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sys/clock.h"
#include "task/task_id.h"
#include "task/task_summary.h"

namespace weft {

// What ended the keeping of a result.
enum class DropBound : uint8_t {
  kAge,        // results.max_age_s
  kCount,      // results.max_count
  kBytes,      // results.max_bytes; also a result that alone is larger and was never kept.
  kDirectory,  // A new task needed its place in the directory of ids.
};
inline constexpr size_t kDropBoundCount = 4;

// Results kept for Get, Wait and listings, each with its own copy of output, error message and
// labels; the oldest go first. Fixed-size records, allocated whole at construction; a small output
// needs no further allocation. Owned by the Dispatcher, which also keeps the directory of ids in
// step. Door thread only.
class Retention {
 public:
  struct Options {
    sys::Ticks max_age = 0;
    uint32_t max_count = 0;
    size_t max_bytes = 0;  // As BytesOf counts them.
  };

  explicit Retention(const Options& options);

  // From now on; whoever is beyond goes by OldestMustGo.
  void SetBounds(sys::Ticks max_age, size_t max_bytes);

  // The bound that forbids to keep a result of that many bytes, however empty it is here.
  std::optional<DropBound> NeverFits(size_t bytes) const;
  // The bound for which the oldest must go before one more of that many bytes is kept.
  std::optional<DropBound> MustDrop(size_t bytes) const;
  // The bound for which the oldest must go now.
  std::optional<DropBound> OldestMustGo(sys::Ticks now) const;
  // Forgets the oldest and returns whose it was; not when empty.
  TaskId DropOldest(DropBound bound);

  // Of output, error message and labels.
  static size_t BytesOf(const TaskSummary& task);
  // Copies all but the handler's name, which stays; MustDrop says that there is room. Returns its
  // record.
  uint32_t Keep(const TaskSummary& task, sys::Ticks now);
  // Forgets one that had to give way in the directory.
  void Forget(uint32_t record);

  // The views hold until the record is dropped.
  TaskSummary View(uint32_t record) const;

  // When the oldest will be over age; sys::kTicksForever when empty.
  sys::Ticks next_expiry() const;
  size_t count() const { return count_; }
  size_t bytes() const { return bytes_; }
  uint64_t dropped(DropBound bound) const { return dropped_[static_cast<size_t>(bound)]; }
  void CountNeverKept(DropBound bound) { ++dropped_[static_cast<size_t>(bound)]; }

 private:
  static constexpr size_t kInlineBytes = 64;

  struct Record {
    TaskSummary task;  // Its views but the handler are set by View only.
    sys::Ticks kept_at = 0;
    std::unique_ptr<char[]> large;  // Output, error message, labels, when beyond kInlineBytes.
    uint32_t output_bytes = 0;
    uint32_t error_bytes = 0;
    uint32_t labels_bytes = 0;
    bool used = false;
    char small[kInlineBytes];
  };

  // Records come in blocks that are made when the ring first gets there: a daemon that keeps few
  // results does not pay for the bound.
  static constexpr size_t kBlockRecords = 128;

  Record& RecordAt(size_t index) const {
    return blocks_[index / kBlockRecords][index % kBlockRecords];
  }
  Record& At(uint64_t position) const { return RecordAt(position % options_.max_count); }
  void Empty(Record& record);

  Options options_;
  // A ring of max_count records from first_ to next_; forgotten ones leave holes.
  std::vector<std::unique_ptr<Record[]>> blocks_;
  uint64_t first_ = 0;  // Never at a hole.
  uint64_t next_ = 0;
  size_t count_ = 0;
  size_t bytes_ = 0;
  std::array<uint64_t, kDropBoundCount> dropped_{};
};

}  // namespace weft
