// What the kernel is asked for each kind of operation, and that the level of a transfer reaches it.
#include "sys/ring_entry.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace weft::sys {
namespace {

io_uring_sqe EntryOf(IoKind kind, uint8_t level) {
  IoOperation operation{.kind = kind, .fd = -1, .path = "a", .new_path = "b"};
  operation.priority = level;
  io_uring_sqe entry = {};
  PrepareEntry(&entry, &operation);
  EXPECT_EQ(entry.user_data, reinterpret_cast<uint64_t>(&operation));
  return entry;
}

TEST(PrepareEntry, AsksForEachKindByItsOwnOpcode) {
  std::set<int> opcodes;
  size_t never = 0;
  for (size_t i = 0; i < kIoKindCount; ++i) {
    const auto kind = static_cast<IoKind>(i);
    if (NeedsThread(kind)) {
      ++never;  // The kernel's.
      continue;
    }
    EXPECT_EQ(EntryOf(kind, 0).opcode, OpcodeOf(kind));
    opcodes.insert(OpcodeOf(kind));
  }
  // A pipe is read and written as a file is, only without an offset.
  EXPECT_EQ(opcodes.size() + 2 + never, kIoKindCount);
  for (const IoKind kind : {IoKind::kStreamRead, IoKind::kStreamWrite}) {
    EXPECT_EQ(EntryOf(kind, 0).off, UINT64_MAX);
  }
}

TEST(PrepareEntry, TellsTheLevelOfATransfer) {
  for (const IoKind kind : {IoKind::kRead, IoKind::kWrite}) {
    for (const auto& [level, data] : {std::pair{0, 0}, {1, 4}, {2, 7}}) {
      const io_uring_sqe entry = EntryOf(kind, static_cast<uint8_t>(level));
      EXPECT_EQ(entry.ioprio, 0x4000 | data);  // Best effort.
    }
  }
}

// The kernel refuses an entry of any other kind that has one.
TEST(PrepareEntry, TellsNoLevelOfWhatIsNoTransfer) {
  for (size_t i = 0; i < kIoKindCount; ++i) {
    const auto kind = static_cast<IoKind>(i);
    if (kind == IoKind::kRead || kind == IoKind::kWrite) continue;
    EXPECT_EQ(EntryOf(kind, 2).ioprio, 0) << IoKindName(kind);
  }
}

}  // namespace
}  // namespace weft::sys
