#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "executor/executor.h"

namespace weft {

// A body made of a function: of one that answers a BodyStep, which is called until it is done, or
// of one that answers nothing, which is called once. Takes the BodyContext or no argument. Belongs
// to whoever spawns it; what it tells is for the executor's owner, or for whoever BlockOn came back
// to.
template <class Function>
class FunctionBody final : public TaskBody {
 public:
  explicit FunctionBody(Function function)
      : TaskBody{.poll = &Poll, .ended = &Ended}, function_(std::move(function)) {}
  FunctionBody(const FunctionBody&) = delete;
  FunctionBody& operator=(const FunctionBody&) = delete;

  bool has_ended() const { return has_ended_; }
  // After it has ended: as TaskBody::ended tells.
  ExecutorError end() const { return end_; }

 private:
  static auto Call(Function& function, const BodyContext& context) {
    if constexpr (std::invocable<Function&, const BodyContext&>) {
      return function(context);
    } else {
      return function();
    }
  }
  static BodyStep Poll(TaskBody& self, const BodyContext& context) {
    Function& function = static_cast<FunctionBody&>(self).function_;
    if constexpr (std::is_void_v<decltype(Call(function, context))>) {
      Call(function, context);
      return BodyStep::Done();
    } else {
      return Call(function, context);
    }
  }
  static void Ended(TaskBody& self, ExecutorError end) {
    auto& body = static_cast<FunctionBody&>(self);
    body.end_ = end;
    body.has_ended_ = true;
  }

  Function function_;
  bool has_ended_ = false;
  ExecutorError end_ = ExecutorError::kNone;
};

}  // namespace weft
