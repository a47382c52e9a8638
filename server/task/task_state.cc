#include "task/task_state.h"

#include <array>

namespace weft {
namespace {

constexpr uint32_t Bit(TaskState state) { return 1U << static_cast<uint32_t>(state); }

constexpr uint32_t kEnded = Bit(TaskState::kSucceeded) | Bit(TaskState::kFailed) |
                            Bit(TaskState::kCancelled) | Bit(TaskState::kExpired);

constexpr std::array<uint32_t, kTaskStateCount> kNext = {
    Bit(TaskState::kRunning) | Bit(TaskState::kCancelled) | Bit(TaskState::kExpired),
    Bit(TaskState::kSuspended) | kEnded,
    Bit(TaskState::kRunning),
    0,
    0,
    0,
    0,
};

constexpr std::array<std::string_view, kTaskStateCount> kNames = {
    "queued", "running", "suspended", "succeeded", "failed", "cancelled", "expired"};

}  // namespace

bool MayFollow(TaskState from, TaskState to) {
  return (kNext[static_cast<size_t>(from)] & Bit(to)) != 0;
}

std::string_view TaskStateName(TaskState state) { return kNames[static_cast<size_t>(state)]; }

}  // namespace weft
