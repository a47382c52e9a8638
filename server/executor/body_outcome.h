#pragma once

#include <exception>
#include <future>
#include <optional>
#include <type_traits>
#include <utility>

#include "executor/executor_failure.h"

namespace weft {

// What a piece of code has come to: nothing yet, a value or an exception. Not thread-safe; whoever
// passes it on orders the two sides.
template <class T>
class BodyOutcome {
  // A void value is one that there is only one of.
  struct Nothing {};
  using Value = std::conditional_t<std::is_void_v<T>, Nothing, T>;

 public:
  // Runs the function, once. What it throws is the outcome.
  template <class Function>
  void Take(Function&& function) noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        std::forward<Function>(function)();
        value_.emplace();
      } else {
        value_.emplace(std::forward<Function>(function)());
      }
    } catch (...) {
      exception_ = std::current_exception();
    }
  }
  void Fail(std::exception_ptr exception) noexcept { exception_ = std::move(exception); }

  bool is_empty() const { return !value_.has_value() && exception_ == nullptr; }
  bool has_failed() const { return exception_ != nullptr; }

  // The value, or throws the exception. Once, and not when empty.
  T Get() {
    if (exception_ != nullptr) std::rethrow_exception(std::exchange(exception_, nullptr));
    if constexpr (!std::is_void_v<T>) return *std::move(value_);
  }
  // Hands it over; when empty, that the executor has ended the task without it.
  void GiveTo(std::promise<T>& promise, ExecutorError end) {
    if (exception_ != nullptr) {
      promise.set_exception(std::exchange(exception_, nullptr));
    } else if (!value_.has_value()) {
      promise.set_exception(std::make_exception_ptr(ExecutorFailure(end)));
    } else if constexpr (std::is_void_v<T>) {
      promise.set_value();
    } else {
      promise.set_value(*std::move(value_));
    }
  }

 private:
  std::optional<Value> value_;
  std::exception_ptr exception_;
};

}  // namespace weft
