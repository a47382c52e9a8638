#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "executor/cancel_word.h"
#include "sys/io_operation.h"
#include "task/task_state.h"

namespace weft {

// What a handler's run came to.
enum class TaskOutcome : uint8_t {
  kSucceeded,
  kFailed,   // Returned through TaskContext::Fail only.
  kStopped,  // It obeyed a cancel or its deadline: returned through TaskContext::Stop only.
};

// Why a suspended task goes on.
enum class WakeReason : uint8_t {
  kElapsed,
  kCancelled,
  kDeadline,
  kWoken,  // By Unpark; only from Park.
};

class TaskHost;
// A time on NowNs's clock that never comes.
inline constexpr int64_t kNoEnd = INT64_MAX;

// All a handler may ask of whatever executor runs it. Made for one run of one task and gone
// afterwards. Task's own thread only; every call but those that say so returns at once. On a thread
// of the blocking pool, what suspends the task blocks the thread instead: SleepFor sleeps with it
// until a cancel or the deadline, RunIo runs the operation on it (and is not cut short once it has
// begun, unless it waits for others: then within sys::kStopLookNs), Yield only looks at both.
class TaskContext {
 public:
  TaskContext(const TaskContext&) = delete;
  TaskContext& operator=(const TaskContext&) = delete;

  // The task's input; valid for the whole run.
  std::string_view payload() const { return payload_; }

  // Whether somebody asked the task to stop, or its deadline has passed. A relaxed load when the
  // task has no deadline, one reading of the clock (about 10 ns) when it has.
  bool ShouldStop() {
    return CancelRequested() || (has_deadline() && !is_shielded() && DeadlinePassed());
  }

  // Whether somebody asked the task to stop, by whatever way but its deadline.
  bool CancelRequested() const { return cancel_->IsSetFor(id_) && !is_shielded(); }
  // The same, but true only once: who is told so sees to it that the task obeys.
  bool TakeCancelRequest() {
    if (!CancelRequested() || (marks_ & kCancelTaken) != 0) return false;
    marks_ |= kCancelTaken;
    return true;
  }

  // Nanoseconds on a clock that never goes back; its zero has no meaning.
  virtual int64_t NowNs() = 0;

  // The same, as it was when the task was started or last went on: event time, which costs no
  // reading. With executor.timing_metrics = false it may be up to 16 tasks older.
  virtual int64_t EventTimeNs() = 0;

  // Suspends for at least that long by the executor's own clock; cut short by a cancel or by the
  // deadline, which the handler then obeys by returning Stop(). Not for handlers registered as
  // never_suspends.
  virtual WakeReason SleepFor(int64_t duration_ns) = 0;

  // Lets the other ready tasks of the core go first. Not for handlers registered as never_suspends.
  virtual WakeReason Yield() = 0;

  // Suspends until an operation is done; its result, or -errno. What executor/task_io.h and
  // task_net.h are made of; use those. -ECANCELED: the task was asked to stop, and the operation
  // did not take place; an operation that runs_to_end takes place whatever is asked. -ETIME: nor
  // did it, for its time_limit_ns has passed. -ENOSYS: the executor does no I/O.
  virtual int64_t RunIo(sys::IoOperation& operation) = 0;

  // What async/ is made of; use that. Suspends until Unpark, until a time on NowNs's clock, a
  // cancel or the deadline. May come back as kWoken for no reason.
  virtual WakeReason Park(int64_t until_ns) = 0;
  // On its host's thread only. A parked task goes on: woken, or because it is to stop; nothing
  // happens to one that is not parked.
  virtual void Unpark() = 0;
  virtual void Interrupt() = 0;

  // What runs the task, and may run others for it; outlives it. Task's own thread only.
  virtual TaskHost& host() = 0;

  // What is set in `cancel` for `id` asks the task to stop from now on, nothing else does.
  void ListenTo(const CancelWord& cancel, TaskId id) {
    cancel_ = &cancel;
    id_ = id;
  }
  void ListenAs(const TaskContext& other) { ListenTo(*other.cancel_, other.id_); }
  void StopListening();  // The word may go: what it said stays said.
  // Why the task is asked to stop, if not by its deadline.
  CancelReason cancel_reason() const { return cancel_->ReasonFor(id_); }

  // While it is shielded the task is not asked to stop, neither by a cancel nor by its deadline,
  // and may suspend all the same. What it was before. See async/try_finally.h.
  bool SetShielded(bool is_shielded_from_now) {
    const bool was_shielded = is_shielded();
    marks_ ^= was_shielded != is_shielded_from_now ? kShielded : uint8_t{0};
    return was_shielded;
  }

  // The task's output, empty at first. Its memory is reused from task to task, so that steady
  // small outputs allocate nothing.
  std::string& output() {
    if (!has_output()) {
      output_ = &OutputBuffer();
      output_->clear();
      marks_ |= kOutput;
    }
    return *output_;
  }

  // Makes a part of payload() the output, without copying it.
  void OutputIsPayload(std::string_view part) {
    alias_ = part.data();
    alias_bytes_ = part.size();
    marks_ |= kAlias;
  }

  // return context.Fail(...): the task failed; the message is cut at kMaxErrorMessageBytes
  // and made valid UTF-8.
  TaskOutcome Fail(TaskErrorCode code, std::string_view message);
  TaskOutcome Fail(std::string_view message) {
    return Fail(TaskErrorCode::kHandlerFailed, message);
  }

  // return context.Stop(): the task obeyed ShouldStop() or a WakeReason other than kElapsed.
  TaskOutcome Stop() { return TaskOutcome::kStopped; }

 protected:
  // cancel: what is for `id` counts.
  TaskContext(std::string_view payload, const CancelWord& cancel, TaskId id, bool has_deadline)
      : payload_(payload), cancel_(&cancel), id_(id), marks_(has_deadline ? kDeadline : 0) {}
  ~TaskContext() = default;

  bool is_shielded() const { return (marks_ & kShielded) != 0; }
  virtual bool DeadlinePassed() = 0;
  // Where to put them; what is left there from the task before is overwritten. Asked for once, by
  // tasks that need it.
  virtual std::string& OutputBuffer() = 0;
  virtual std::string& ErrorMessage() = 0;

  // Makes what the handler told another context of the same run, and was told, this one's.
  void TakeOver(const TaskContext& other);
  TaskErrorCode error_code() const {
    return (marks_ & kError) != 0 ? error_code_ : TaskErrorCode::kNone;
  }
  bool is_alias() const { return (marks_ & kAlias) != 0; }
  // Whether output() was asked for; else the string is none of this task's.
  bool has_output() const { return (marks_ & kOutput) != 0; }
  std::string_view alias() const { return {alias_, alias_bytes_}; }
  // It was asked to suspend although its handler is registered as never_suspends.
  void Misuse() { marks_ |= kMisuse; }
  bool misused() const { return (marks_ & kMisuse) != 0; }
  // Its handler never began.
  void MarkInVain() { marks_ |= kInVain; }
  bool is_in_vain() const { return (marks_ & kInVain) != 0; }
  // None of these: as most tasks end.
  bool told_nothing() const { return (marks_ & kTold) == 0; }

 private:
  static constexpr uint8_t kOutput = 1;
  static constexpr uint8_t kAlias = 2;
  static constexpr uint8_t kMisuse = 4;
  static constexpr uint8_t kError = 8;
  static constexpr uint8_t kDeadline = 16;
  static constexpr uint8_t kInVain = 32;
  static constexpr uint8_t kShielded = 64;
  static constexpr uint8_t kCancelTaken = 128;
  static constexpr uint8_t kTold = kOutput | kAlias | kMisuse | kError | kInVain;

  bool has_deadline() const { return (marks_ & kDeadline) != 0; }

  std::string_view payload_;
  const CancelWord* cancel_;
  TaskId id_;
  uint8_t marks_;             // What of the following holds; one store for most tasks.
  TaskErrorCode error_code_;  // With kError.
  std::string* output_;       // With kOutput.
  const char* alias_;         // A part of payload_; with kAlias.
  size_t alias_bytes_;        // Likewise.
};

}  // namespace weft
