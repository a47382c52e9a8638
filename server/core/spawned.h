#pragma once

#include <string_view>

#include "async/frame_home.h"
#include "core/core.h"

// What a core runs beside the Door's tasks: what those, other threads or an embedding program
// started, and of which nobody is told. Part of core.cc's translation unit.
namespace weft {

template <class Env>
SpawnAnswer Core<Env>::Spawn(const TaskEntry& entry, std::string_view payload, TaskLevels levels) {
  if (entry.pooled.is_set()) return SpawnAnswer::kBelongsToPool;
  LiveTask* const task = own_.TakeLocal();
  if (task == nullptr) {
    stats_.spawns_refused.fetch_add(1, std::memory_order_relaxed);
    return SpawnAnswer::kSlotsTaken;
  }
  task->entry = &entry;
  task->payload = payload.data();
  task->payload_bytes = static_cast<uint32_t>(payload.size());
  task->submitted = clock();
  task->ready_since = clock();
  task->priority = levels.cpu;
  task->io_priority = levels.io;
  stats_.spawned.Add(1);
  MakeReady(task);
  return SpawnAnswer::kSpawned;
}

template <class Env>
SpawnAnswer Core<Env>::SpawnRemote(const TaskEntry& entry, std::string_view payload,
                                   TaskLevels levels) {
  if (entry.pooled.is_set()) return SpawnAnswer::kBelongsToPool;
  if (!own_.ClaimRemote()) {
    stats_.spawns_refused.fetch_add(1, std::memory_order_relaxed);
    return SpawnAnswer::kSlotsTaken;
  }
  const Message message{.entry = &entry,
                        .payload = payload.data(),
                        .submitted = env_.Now(),
                        .payload_bytes = static_cast<uint32_t>(payload.size()),
                        .kind = MessageKind::kSpawn,
                        .priority = levels.cpu,
                        .io_priority = levels.io};
  if (Post({&message, 1}) == 1) return SpawnAnswer::kSpawned;
  own_.UnclaimRemote();
  return SpawnAnswer::kInboxFull;
}

template <class Env>
SpawnAnswer Core<Env>::SpawnTask(SpawnedBody& body, TaskLevels levels) {
  const TaskEntry& entry =
      options_.is_pool() ? host_side_.entries.on_thread : host_side_.entries.here;
  const std::string_view payload = body.AsPayload();
  if (stop_.load(std::memory_order_relaxed)) return SpawnAnswer::kStopped;
  return IsHere() ? Spawn(entry, payload, levels) : SpawnRemote(entry, payload, levels);
}

template <class Env>
void Core<Env>::Deliver(Mail& mail) {
  host_side_.mail.Push(mail);
  WakeIfParked();
}

// The thread has ended, and nobody posts any more. What is suspended stays as it is, its stack,
// too: others may have linked what lies there. Its mail is opened when nobody delivers any more,
// and then finds no task that could go on.
template <class Env>
void Core<Env>::AbandonSpawned() {
  here_ = this;
  ShutdownStats found;
  const auto abandon = [&](const TaskEntry* entry, const char* payload, Abandoned why) {
    const SpawnedEntries& entries = host_side_.entries;
    if (entry != &entries.here && entry != &entries.on_thread) return;
    SpawnedBody& body = SpawnedBody::OfPayload(payload);
    body.abandon(body, why);
  };
  for (const Message* message = inbox_->Front(); message != nullptr; message = inbox_->Front()) {
    if (message->kind == MessageKind::kSpawn) {
      ++found.undrained_entries;
      abandon(message->entry, message->payload, Abandoned::kStopped);
    }
    inbox_->Pop();
  }
  for (uint32_t slot = first_remote_slot_; slot < options_.all_slots(); ++slot) {
    const LiveTask& task = tasks_[slot];
    if (IsTerminal(task.state.load(std::memory_order_relaxed))) continue;
    const bool has_begun = task.runner != nullptr;
    // The pool waited for what its threads ran, and those have told whom it concerns.
    if (has_begun && options_.is_pool()) continue;
    found.aborted_unwinds += has_begun ? 1 : 0;
    abandon(task.entry, task.payload, has_begun ? Abandoned::kBegun : Abandoned::kStopped);
  }
  if (found.aborted_unwinds > 0) runners_.LeaveStacks();
  host_side_.frames.Close();
  while (host_side_.mail.Open(1)) ++found.undrained_entries;
  host_side_.frames.Tell(found);
}

}  // namespace weft
