#pragma once

#include <stdexcept>
#include <string>

#include "executor/executor.h"

namespace weft {

// What whoever waits for a task through a future or a coroutine is thrown when the task has no
// result of its own: it was refused, or dropped by a shutdown. Bridges alone throw it.
class ExecutorFailure : public std::runtime_error {
 public:
  explicit ExecutorFailure(ExecutorError error)
      : std::runtime_error(std::string("the executor says ").append(ExecutorErrorName(error))),
        error_(error) {}

  ExecutorError error() const { return error_; }

 private:
  ExecutorError error_;
};

// What whoever awaits something is thrown that went away without an answer.
class AwaitAbandoned : public std::runtime_error {
 public:
  AwaitAbandoned() : std::runtime_error("what was awaited went away without an answer") {}
};

}  // namespace weft
