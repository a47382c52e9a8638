#pragma once

#include <type_traits>
#include <utility>

#include "executor/task_context.h"

namespace weft {

// While it lives the task is not asked to stop, neither by a cancel nor by its deadline, and may
// suspend all the same. What lasts in it lasts beyond both: keep it short.
class Shield {
 public:
  explicit Shield(TaskContext& context)
      : context_(context), was_shielded_(context.SetShielded(true)) {}
  ~Shield() { context_.SetShielded(was_shielded_); }
  Shield(const Shield&) = delete;
  Shield& operator=(const Shield&) = delete;

 private:
  TaskContext& context_;
  const bool was_shielded_;
};

// Answers what main() does, or throws what it throws, but not before cleanup(), which may suspend,
// and runs to its end also when the task was asked to stop before or meanwhile. What cleanup throws
// counts before what main threw.
template <class Main, class Cleanup>
std::invoke_result_t<Main&> TryFinally(TaskContext& context, Main main, Cleanup cleanup) {
  static_assert(!std::is_reference_v<std::invoke_result_t<Main&>>, "return a value or a pointer");
  const auto clean_up = [&] {
    const Shield shield(context);
    cleanup();
  };
  if constexpr (std::is_void_v<std::invoke_result_t<Main&>>) {
    try {
      main();
    } catch (...) {
      clean_up();
      throw;
    }
    clean_up();
  } else {
    auto value = [&] {
      try {
        return main();
      } catch (...) {
        clean_up();
        throw;
      }
    }();
    clean_up();
    return value;
  }
}

}  // namespace weft
