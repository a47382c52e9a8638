#include "async/spawn.h"

namespace weft {

namespace spawn_internal {

absl::StatusOr<FrameHome*> HomeOf(TaskHost& host) {
  if (FrameHome* const home = host.frames()) return home;
  return absl::UnimplementedError("this executor does not spawn tasks for tasks");
}

absl::Status Launch(TaskHost& host, TaskFrame& frame, TaskLevels levels) {
  const SpawnAnswer answer = host.SpawnTask(frame, levels);
  if (answer == SpawnAnswer::kSpawned) return absl::OkStatus();
  frame.Discard();
  switch (answer) {
    case SpawnAnswer::kInboxFull:
      return absl::ResourceExhaustedError("the executor's inbox is full: it does not keep up");
    case SpawnAnswer::kStopped:
      return absl::UnavailableError("the executor has stopped");
    case SpawnAnswer::kBelongsToPool:
      return absl::FailedPreconditionError("the handler belongs to the blocking pool");
    case SpawnAnswer::kSlotsTaken:
    case SpawnAnswer::kSpawned:
      break;
  }
  return absl::ResourceExhaustedError("all task slots of the executor are taken");
}

}  // namespace spawn_internal

std::optional<SlotClaim> TryClaimSlot(TaskHost& host) {
  FrameHome* const home = host.frames();
  if (home == nullptr || !host.IsHere()) return std::nullopt;
  void* const slot = home->TakeSlot();
  if (slot == nullptr) return std::nullopt;
  return SlotClaim(*home, slot);
}

}  // namespace weft
