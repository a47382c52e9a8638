// Proves the table of legal transitions, pair by pair, against the rules in words.
#include "task/task_state.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(TaskState, TerminalStatesNeverChange) {
  for (size_t from = 0; from < kTaskStateCount; ++from) {
    if (!IsTerminal(static_cast<TaskState>(from))) continue;
    for (size_t to = 0; to < kTaskStateCount; ++to) {
      EXPECT_FALSE(MayFollow(static_cast<TaskState>(from), static_cast<TaskState>(to)));
    }
  }
}

TEST(TaskState, QueuedStartsOrEndsUnstarted) {
  EXPECT_TRUE(MayFollow(TaskState::kQueued, TaskState::kRunning));
  EXPECT_TRUE(MayFollow(TaskState::kQueued, TaskState::kCancelled));
  EXPECT_TRUE(MayFollow(TaskState::kQueued, TaskState::kExpired));
  EXPECT_FALSE(MayFollow(TaskState::kQueued, TaskState::kSucceeded));
  EXPECT_FALSE(MayFollow(TaskState::kQueued, TaskState::kFailed));
  EXPECT_FALSE(MayFollow(TaskState::kQueued, TaskState::kSuspended));
}

TEST(TaskState, SuspendedOnlyResumes) {
  for (size_t to = 0; to < kTaskStateCount; ++to) {
    const auto state = static_cast<TaskState>(to);
    EXPECT_EQ(MayFollow(TaskState::kSuspended, state), state == TaskState::kRunning);
  }
}

TEST(TaskState, EveryStateHasItsOwnName) {
  for (size_t left = 0; left < kTaskStateCount; ++left) {
    for (size_t right = left + 1; right < kTaskStateCount; ++right) {
      EXPECT_NE(TaskStateName(static_cast<TaskState>(left)),
                TaskStateName(static_cast<TaskState>(right)));
    }
  }
}

}  // namespace
}  // namespace weft
