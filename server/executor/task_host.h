#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "executor/mail.h"
#include "executor/task_context.h"
#include "executor/task_entry.h"
#include "task/priority.h"

namespace weft {

// What came of a spawn; all but the first leave nothing behind.
enum class SpawnAnswer : uint8_t {
  kSpawned,
  kSlotsTaken,     // All slots for tasks of that origin are taken.
  kInboxFull,      // Of another thread's executor; it is not keeping up.
  kBelongsToPool,  // The handler may block its thread, or held cores too often: submit the task.
  kStopped,        // The executor has stopped.
};

// At which level a task runs, and at which its file operations wait and reach the system. A single
// priority stands for both.
struct TaskLevels {
  // Implicit on purpose. NOLINTNEXTLINE(google-explicit-constructor)
  constexpr TaskLevels(Priority both)
      : cpu(both), io(both) {}  // NOLINT(google-explicit-constructor)
  constexpr TaskLevels(Priority of_cpu, Priority of_io) : cpu(of_cpu), io(of_io) {}

  Priority cpu;
  Priority io;
};

// Why a body that was spawned is not run to its end.
enum class Abandoned : uint8_t {
  kStopped,   // The host has stopped before the body began,
  kBegun,     // or while it was suspended: its stack stays as it is and never goes on.
  kNoThread,  // The system granted the blocking pool no thread for it.
};

// What a task runs that another task, or a program, started. Outlives the task's run.
struct SpawnedBody {
  TaskOutcome (*run)(SpawnedBody& self, TaskContext& context) = nullptr;
  // Instead of run, or of its return. Some thread, the last of the host's to touch it.
  void (*abandon)(SpawnedBody& self, Abandoned why) = nullptr;

  // How a core knows it: a payload, and the entry of all such.
  std::string_view AsPayload() { return {std::bit_cast<const char*>(this), sizeof(*this)}; }
  static SpawnedBody& OfPayload(const char* payload) {
    return *std::bit_cast<SpawnedBody*>(payload);
  }
  static TaskEntry Entry(uint16_t index);
};

// The entries of all a core spawns. The second has a thread of the blocking pool run it.
struct SpawnedEntries {
  TaskEntry here;
  TaskEntry on_thread;
};

class FrameHome;

// One thread that runs tasks, as those tasks and others see it: what async/ stands on. It outlives
// the tasks.
class TaskHost {
 public:
  // Any thread. Starts a task that may suspend and of which nobody is told. From the host's own
  // thread it is ready at once, from another it takes a message of the inbox. It is run, or
  // abandoned when the host goes before.
  virtual SpawnAnswer SpawnTask(SpawnedBody& body, TaskLevels levels) = 0;
  // Any thread. Opens the mail on the host's thread, in the order of delivery.
  virtual void Deliver(Mail& mail) = 0;
  // The host's thread. Opens now what was delivered: for who must not go before its mail.
  virtual void OpenMail() = 0;
  // Any thread. Whose thread the caller is on: where the host's tasks run. Null on others.
  static TaskHost* Here() { return here_; }
  // Whether a host is being turned on this thread, so that the caller may be a task of it.
  static bool IsTurning() { return turning_ > 0; }
  bool IsHere() const { return here_ == this; }
  // Any thread. The clock of TaskContext::NowNs.
  virtual int64_t HostNowNs() const = 0;
  // What the program wants its tasks to find: context.host().user_state(). Set before the first
  // task; stays the program's.
  void* user_state() const { return user_state_; }
  void set_user_state(void* state) { user_state_ = state; }
  // While a thread turns a host: for who turns it.
  class Turning {
   public:
    Turning() { ++turning_; }
    ~Turning() { --turning_; }
    Turning(const Turning&) = delete;
    Turning& operator=(const Turning&) = delete;
  };
  // Any thread. Where async/ keeps what it spawns here; null: this host spawns nothing.
  virtual FrameHome* frames() = 0;

 protected:
  // Asking this, who searches for a core need not await the stack just switched to.
  static inline constinit thread_local TaskHost* here_ = nullptr;

  TaskHost() = default;
  ~TaskHost() = default;
  TaskHost(const TaskHost&) = delete;
  TaskHost& operator=(const TaskHost&) = delete;

 private:
  static inline constinit thread_local int turning_ = 0;

  void* user_state_ = nullptr;
};

inline TaskEntry SpawnedBody::Entry(uint16_t index) {
  TaskEntry entry;
  entry.run = [](void* /*state*/, TaskContext& context) {
    SpawnedBody& body = OfPayload(context.payload().data());
    return body.run(body, context);
  };
  entry.index = index;
  entry.name = "spawned";
  return entry;
}

}  // namespace weft
