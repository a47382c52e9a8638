#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

// The seam: what anything that runs tasks offers, whatever it is made of. Needs no library and no
// heap, so that it also serves where there is neither. docs/executors.md says which executor is for
// which environment.
namespace weft {

enum class ExecutorError : uint8_t {
  kNone,
  kOutOfResources,  // It holds as many tasks as it can. Later there may be room.
  kNotRunning,      // It was shut down, for good.
  kNotSupported,    // This executor has no such thing, or not where it was asked for.
  kTaskPanicked,    // The task threw, or told that it cannot go on.
};

// "OUT_OF_RESOURCES" and so on; "NONE".
constexpr std::string_view ExecutorErrorName(ExecutorError error) {
  constexpr std::string_view kNames[] = {"NONE", "OUT_OF_RESOURCES", "NOT_RUNNING", "NOT_SUPPORTED",
                                         "TASK_PANICKED"};
  return kNames[static_cast<size_t>(error)];
}

// Times are nanoseconds of the executor's own clock, whose zero has no meaning. As the time of a
// next poll these two stand for no time.
inline constexpr int64_t kPollNow = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kPollOnWake = std::numeric_limits<int64_t>::max();

// What one poll of a body came to.
struct BodyStep {
  enum class Kind : uint8_t { kDone, kPending, kPanicked };

  Kind kind = Kind::kDone;
  // Of kPending: before that time a poll is of no use, unless somebody wakes the body. It may be
  // polled all the same.
  int64_t poll_at_ns = kPollNow;

  static constexpr BodyStep Done() { return {}; }
  // It only lets others go first.
  static constexpr BodyStep Again() { return {Kind::kPending, kPollNow}; }
  static constexpr BodyStep At(int64_t time_ns) { return {Kind::kPending, time_ns}; }
  static constexpr BodyStep OnWake() { return {Kind::kPending, kPollOnWake}; }
  static constexpr BodyStep Panicked() { return {Kind::kPanicked, kPollNow}; }
};

// Has a body polled soon. To be copied and kept by whoever will have news for it. Any thread, also
// long after the body has ended, as long as the executor lives.
struct BodyWaker {
  void (*wake)(void* executor, uint64_t task) = nullptr;
  void* executor = nullptr;
  uint64_t task = 0;

  void Wake() const {
    if (wake != nullptr) wake(executor, task);
  }
};

// What a body may ask of whatever polls it. Holds for one poll.
struct BodyContext {
  int64_t now_ns = 0;        // Read before the poll.
  bool should_stop = false;  // The executor shuts down: this is the last poll.
  BodyWaker waker;
};

// One task: a piece of code that is polled until it is done. Belongs to whoever spawns it, and
// stays where it is from Spawn until `ended`. A run to completion is one poll
// (executor/handler_body.h), a coroutine many (executor/coroutine_body.h).
struct TaskBody {
  // On a thread of the executor's, never twice at once. What it throws is a panic, where there are
  // exceptions.
  BodyStep (*poll)(TaskBody& self, const BodyContext& context) = nullptr;
  // Once, on a thread of the executor's, the last that anybody does with the body: it may be gone
  // afterwards. end: kNone, kTaskPanicked, or kNotRunning when the executor was shut down before it
  // was done. Must not throw. Null: nobody is told.
  void (*ended)(TaskBody& self, ExecutorError end) = nullptr;
};

// What one PollOnce came to.
struct PollResult {
  ExecutorError error = ExecutorError::kNone;
  uint32_t polled = 0;            // Bodies.
  int64_t next_ns = kPollOnWake;  // When it wants to be polled again; kPollNow: at once.
};

// Runs bodies. What an executor does not override it does not offer: kNotSupported. Owned by
// whoever made it, by its own type, and outlives all it was given. Each call on the thread that the
// executor says; where it says nothing: Owner's thread only.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Takes a body on, to be polled later. Refused, nothing is left behind and `ended` is not called:
  // kOutOfResources, kNotRunning.
  virtual ExecutorError Spawn(TaskBody& /*body*/) { return ExecutorError::kNotSupported; }

  // Blocks. Spawns the body and returns when it has ended, with what it ended by: kNone,
  // kTaskPanicked, kNotRunning; or with why it was refused. kNotSupported from within a poll, for
  // the body would wait for the one that waits for it.
  virtual ExecutorError BlockOn(TaskBody& /*body*/) { return ExecutorError::kNotSupported; }

  // Polls what is ready, once. kNotSupported: threads of its own do so, or it was called from
  // within a poll. kNotRunning: nothing is left to be polled.
  virtual PollResult PollOnce() { return {.error = ExecutorError::kNotSupported}; }

  // Any thread. Until Shutdown.
  virtual bool IsRunning() const { return false; }

  // May block. From now on Spawn refuses. Each body that is held is polled once more, told to stop;
  // what is not done then has ended by kNotRunning. kNotRunning when called again, kNotSupported
  // from within a poll.
  virtual ExecutorError Shutdown() { return ExecutorError::kNotSupported; }

 protected:
  // Nobody deletes one through its interface: that would take a heap.
  ~Executor() = default;
};

}  // namespace weft
