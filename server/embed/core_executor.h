#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "embed/core_group.h"
#include "embed/turned_executor.h"
#include "executor/executor.h"

namespace weft {

// Cores behind the seam of executor/executor.h, for code that knows nothing else and for the
// registry. Each body is a task of its own, with a slot and a stack of its core from its first poll
// to its end, and they are spread over a group's cores in turn. Where no slot is left, or where
// bodies have all stacks, so that another might wait for one for ever: kOutOfResources, also from
// within `ended`, whose own slot is free a little later. What else runs on the cores is not
// disturbed, but may hold stacks, too.
//
// Any thread: Spawn, IsRunning, BodyWaker. Over a group, BlockOn and Shutdown too, but not from a
// core's task, where they are kNotSupported; PollOnce always is. Over an executor that the program
// turns, BlockOn, PollOnce and Shutdown belong to the thread that turns it, and are kNotSupported
// elsewhere and within a task; a PollOnce polls at most as often as there are bodies.
class CoreExecutor final : public Executor {
 public:
  // They outlive it.
  explicit CoreExecutor(CoreGroup& group);
  explicit CoreExecutor(TurnedExecutor& turned);
  // Shuts down, unless that was done, and waits until nobody is within BlockOn or Shutdown any
  // more. Where Shutdown is not supported it ends the process.
  ~CoreExecutor();

  ExecutorError Spawn(TaskBody& body) override;
  ExecutorError BlockOn(TaskBody& body) override;
  PollResult PollOnce() override;
  bool IsRunning() const override;
  ExecutorError Shutdown() override;

  // Any thread. Spawned and not yet ended.
  size_t task_count() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft
