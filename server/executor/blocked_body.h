#pragma once

#include "executor/executor.h"

namespace weft {

// What BlockOn spawns in a body's place, so that it hears of its end. Lives on the stack of the
// thread that blocks.
class BlockedBody final : public TaskBody {
 public:
  // heard: on the executor's thread, the last that is done with this.
  BlockedBody(TaskBody& body, void (*heard)(void* argument, BlockedBody& self), void* argument)
      : TaskBody{.poll = &Poll, .ended = &Ended}, body_(body), heard_(heard), argument_(argument) {}

  bool has_ended() const { return has_ended_; }
  // After it has ended.
  ExecutorError end() const { return end_; }
  // By whoever hears, under whatever protects the two.
  void MarkEnded() { has_ended_ = true; }

 private:
  static BodyStep Poll(TaskBody& self, const BodyContext& context) {
    TaskBody& body = static_cast<BlockedBody&>(self).body_;
    return body.poll(body, context);
  }
  static void Ended(TaskBody& self, ExecutorError end) {
    auto& blocked = static_cast<BlockedBody&>(self);
    if (blocked.body_.ended != nullptr) blocked.body_.ended(blocked.body_, end);
    blocked.end_ = end;
    blocked.heard_(blocked.argument_, blocked);
  }

  TaskBody& body_;
  void (*const heard_)(void* argument, BlockedBody& self);
  void* const argument_;
  bool has_ended_ = false;
  ExecutorError end_ = ExecutorError::kNone;
};

}  // namespace weft
