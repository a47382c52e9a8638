#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "core/core.h"
#include "sys/clock.h"
#include "sys/io_system.h"
#include "sys/prod_env.h"
#include "task/task_state.h"

namespace weft {

// What one task of a DrivenCore is to be.
struct DrivenTask {
  const TaskEntry* entry = nullptr;
  std::string_view payload;
  sys::Ticks timeout = 0;  // 0: none; -1: has passed already.
  Priority priority = Priority::kNormal;
  bool is_cancelled = false;  // A cancel follows behind it.
};

// A core as weftd runs it and the Door's part of its local path: claims slots, posts, cancels,
// drains. The core is on a thread of its own or, prepared only, turned by the one that drives it.
// Allocates nothing after either. One thread.
class DrivenCore {
 public:
  using RealCore = Core<sys::ProdEnv>;

  static constexpr uint32_t kMostAtOnce = 256;  // Tasks; so many slots are used.
  static constexpr uint32_t kBatch = 64;        // Messages posted at once.

  // io: outlives it; null: no file I/O.
  absl::Status Start(const CoreOptions& options, sys::IoSystem* io) {
    Make(options, io);
    return core_->Start();
  }
  absl::Status Prepare(const CoreOptions& options, sys::IoSystem* io) {
    Make(options, io);
    is_turned_here_ = true;
    absl::Status status = core_->Prepare();
    if (status.ok()) core_->TakeThread();
    return status;
  }

  // Runs count tasks, each as pick(serial) says, at most kMostAtOnce at once, until all have ended.
  template <class Pick>
  void Run(uint64_t count, const Pick& pick) {
    uint64_t begun = 0;
    while (begun < count || freed_ - used_ < kMostAtOnce) {
      size_t messages = 0;
      while (begun < count && used_ < freed_ && messages + 2 <= kBatch) {
        messages += Begin(pick(begun), &batch_[messages]);
        ++begun;
      }
      Post(messages);
      GoOn();
    }
  }

  RealCore& core() { return *core_; }
  uint64_t ended(TaskState state) const { return ended_[static_cast<size_t>(state)]; }

 private:
  void Make(const CoreOptions& options, sys::IoSystem* io) {
    assert(options.door_slots() >= kMostAtOnce);
    core_ = std::make_unique<RealCore>(options, sys::ProdEnv(clock_.anchor(), io), doorbell_);
    for (uint32_t slot = 0; slot < kMostAtOnce; ++slot) free_[slot] = slot;
  }

  size_t Begin(const DrivenTask& task, Message* messages) {
    Message& message = messages[0];
    message = {};
    message.slot = free_[used_++ % kMostAtOnce];
    message.id = TaskId::Make(0, used_);
    is_live_[message.slot] = true;
    message.entry = task.entry;
    message.payload = task.payload.data();
    message.payload_bytes = static_cast<uint32_t>(task.payload.size());
    message.submitted = sys::ReadTicks();
    message.priority = task.priority;
    if (task.timeout != 0) message.deadline = message.submitted + task.timeout;
    if (!task.is_cancelled) return 1;
    // As the dispatcher does, the slot stays claimed until the cancel was answered.
    core_->SetCancel(message.slot, message.id, CancelReason::kClient);
    messages[1] = {.id = message.id, .slot = message.slot, .kind = MessageKind::kCancel};
    is_cancel_open_[message.slot] = true;
    return 2;
  }

  void Post(size_t count) {
    size_t sent = 0;
    while (sent < count) {
      sent += core_->Post(std::span<const Message>(batch_).subspan(sent, count - sent));
      if (sent < count) GoOn();
    }
  }

  void GoOn() {
    if (is_turned_here_) core_->Turn();
    if (Drain() == 0 && !is_turned_here_) std::this_thread::yield();
  }

  size_t Drain() {
    const size_t count = core_->Drain(drained_);
    for (size_t i = 0; i < count; ++i) {
      const Completion& completion = drained_[i];
      if (completion.kind == CompletionKind::kCancelTaken) {
        is_cancel_open_[completion.slot] = false;
      } else {
        ++ended_[static_cast<size_t>(completion.state)];
        is_live_[completion.slot] = false;
      }
      if (is_cancel_open_[completion.slot] || is_live_[completion.slot]) continue;
      free_[freed_++ % kMostAtOnce] = completion.slot;
    }
    return count;
  }

  sys::Clock clock_;
  Doorbell doorbell_;
  std::unique_ptr<RealCore> core_;
  // Slots in the order in which they were freed, so that all take their turns.
  std::array<uint32_t, kMostAtOnce> free_{};
  uint64_t freed_ = kMostAtOnce;
  uint64_t used_ = 0;
  bool is_turned_here_ = false;
  std::array<Message, kBatch> batch_;
  std::array<Completion, kMostAtOnce> drained_;
  std::array<bool, kMostAtOnce> is_live_{};  // By slot.
  std::array<bool, kMostAtOnce> is_cancel_open_{};
  std::array<uint64_t, kTaskStateCount> ended_{};
};

}  // namespace weft
