#pragma once

#include <string_view>

#include "executor/task_context.h"

namespace weft {

// The code that runs one kind of task. One object per registered name, shared by all cores: Run is
// called by many threads at once, so a handler keeps no mutable state of its own.
class Handler {
 public:
  virtual ~Handler() = default;

  // 1 to kMaxHandlerNameBytes characters of [a-z0-9._-].
  virtual std::string_view name() const = 0;
  // One line: what it does and what its payload means.
  virtual std::string_view help() const = 0;
  // True promises that Run never calls SleepFor or Yield; it then runs without a stack of its own.
  virtual bool never_suspends() const = 0;

  // True: Run may block its thread (files, sockets, locks, other people's libraries). Its tasks run
  // on threads of the blocking pool instead of a core. See TaskContext for what differs there.
  virtual bool blocking() const { return false; }

  // Runs one task. It may throw: the task then fails with kHandlerException and what() as message.
  // Long runs look at context.ShouldStop() every few microseconds and obey with context.Stop().
  virtual TaskOutcome Run(TaskContext& context) = 0;
};

}  // namespace weft
