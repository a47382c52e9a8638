#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "executor/cancel_word.h"
#include "executor/mail.h"
#include "executor/task_context.h"
#include "executor/task_host.h"

namespace weft {

class FrameHome;
class RemoteWaiter;

// How a spawned task ended.
enum class FrameEnd : uint8_t {
  kNone,       // It has not.
  kValue,      // Its callable returned.
  kThrew,      // Its callable threw; error() says what.
  kCancelled,  // It was asked to stop before it began.
  kStopped,    // Its host stopped first.
  kNoThread,   // The system granted the blocking pool no thread for it.
};

// What a spawned task is made of beside its slot: the callable, then its value. Referred to by its
// executor until it has ended, and by a JoinHandle until that lets go of it; whoever is last frees
// it. Made by async/spawn.h.
class TaskFrame : public SpawnedBody {
 public:
  // What depends on the callable's type.
  struct Operations {
    // Calls it, drops it and keeps what it returned: true. False: it was not to be called. It has
    // not been dropped then, nor when it threw.
    bool (*run)(TaskFrame& frame, TaskContext& context);
    void (*drop_callable)(TaskFrame& frame);
    void (*drop_value)(TaskFrame& frame);
    size_t alignment = 0;
  };

  // is_slab: where its memory is from. has_handle: whether there will be a JoinHandle.
  TaskFrame(const Operations& operations, FrameHome& home, bool is_slab, bool has_handle);
  TaskFrame(const TaskFrame&) = delete;
  TaskFrame& operator=(const TaskFrame&) = delete;

  // Any thread. Asks it to stop: it is interrupted at its host's next turn. False: it had ended.
  bool Abort();
  bool has_ended() const { return joiner_.load(std::memory_order_acquire) == Ended(); }
  // Any thread. Whether its code has begun and not returned. False after an Abort: it never begins.
  bool is_running() { return context_.fetch_add(0, std::memory_order_acq_rel) != nullptr; }

  // Of the one joiner. False: it has ended, or there is a joiner.
  bool Await(RemoteWaiter& joiner);
  // False: it has ended, and the joiner is about to be notified.
  bool Withdraw(RemoteWaiter& joiner);

  // Whether the context is that of its own run.
  bool IsRunIn(const TaskContext& context) const {
    return context_.load(std::memory_order_relaxed) == &context;
  }

  // After its end.
  FrameEnd end() const { return end_; }
  const std::string& error() const { return error_; }
  void* value() const { return value_; }
  void set_value(void* value) { value_ = value; }
  void DropValue() {
    if (end_ == FrameEnd::kValue) operations_.drop_value(*this);
    end_ = FrameEnd::kNone;
  }

  // Any thread. One reference less.
  void Release();
  // Before it is spawned: it is not going to be. Frees it.
  void Discard();

  bool is_slab() const { return is_slab_; }
  const Operations& operations() const { return operations_; }
  // Of a list of freed frames; once nobody refers to it.
  TaskFrame* next = nullptr;

 private:
  // What its cancel word is set for.
  static constexpr TaskId kId{1};

  struct AbortMail : Mail {
    TaskFrame* frame = nullptr;
  };

  static void* Ended();
  static TaskOutcome Run(SpawnedBody& self, TaskContext& context);
  static void Abandon(SpawnedBody& self, Abandoned why);
  FrameEnd Call(TaskContext& context);
  void Tell(FrameEnd end);
  void Interrupt();

  const Operations& operations_;
  FrameHome& home_;
  const bool is_slab_;
  std::atomic<bool> is_abort_sent_{false};
  FrameEnd end_ = FrameEnd::kNone;  // Published by joiner_.
  std::atomic<uint32_t> references_;
  // Null, who waits for the end, or Ended(). Acquire and release: who sees Ended() sees the value.
  std::atomic<void*> joiner_{nullptr};
  // While it runs. Changed, and looked at to interrupt, by read-modify-writes: either who aborts
  // sees the context, or the run sees the cancel.
  std::atomic<TaskContext*> context_{nullptr};
  void* value_ = nullptr;
  CancelWord cancel_;
  AbortMail abort_mail_;
  std::string error_;
};

}  // namespace weft
