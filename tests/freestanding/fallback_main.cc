#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "executor/fallback_executor.h"
#include "executor/function_body.h"

// Proves that the fallback executor needs nothing: this program is compiled with it without
// exceptions and without run-time types, and linked with libc alone, so that an operator new, a
// catch or a standard library's call would not link. What of libc's heap it asked for is counted
// here. The exit code is the number of the check that failed, 0 for none.

namespace {

size_t allocations = 0;

}  // namespace

extern "C" {
void* malloc(size_t /*bytes*/) {
  ++allocations;
  return nullptr;
}
void* calloc(size_t /*count*/, size_t /*bytes*/) {
  ++allocations;
  return nullptr;
}
void* realloc(void* /*memory*/, size_t /*bytes*/) {
  ++allocations;
  return nullptr;
}
void free(void* /*memory*/) {}
}

namespace weft {
namespace {

// Is polled three times.
struct Counting : TaskBody {
  Counting() : TaskBody{.poll = &Poll, .ended = &Ended} {}

  static BodyStep Poll(TaskBody& self, const BodyContext& context) {
    auto& body = static_cast<Counting&>(self);
    context.waker.Wake();
    return ++body.polls == 3 ? BodyStep::Done() : BodyStep::Again();
  }
  static void Ended(TaskBody& self, ExecutorError end) {
    static_cast<Counting&>(self).end_count += end == ExecutorError::kNone ? 1 : 100;
  }

  int polls = 0;
  int end_count = 0;
};

int Check() {
  FallbackExecutor executor({.now_ns = [](void*) { return int64_t{7}; }});
  std::array<Counting, FallbackExecutor::kMostTasks + 1> bodies;
  for (size_t i = 0; i < FallbackExecutor::kMostTasks; ++i) {
    if (executor.Spawn(bodies[i]) != ExecutorError::kNone) return 1;
  }
  if (executor.Spawn(bodies.back()) != ExecutorError::kOutOfResources) return 2;
  for (uint32_t turn = 0; turn < 3; ++turn) {
    if (executor.PollOnce().polled != FallbackExecutor::kMostTasks) return 3;
  }
  for (size_t i = 0; i < FallbackExecutor::kMostTasks; ++i) {
    if (bodies[i].polls != 3 || bodies[i].end_count != 1) return 4;
  }
  if (executor.BlockOn(bodies.back()) != ExecutorError::kNone) return 5;
  int64_t now_ns = 0;
  FunctionBody clock([&now_ns](const BodyContext& context) { now_ns = context.now_ns; });
  if (executor.BlockOn(clock) != ExecutorError::kNone || now_ns != 7) return 6;
  if (executor.Shutdown() != ExecutorError::kNone || executor.IsRunning()) return 7;
  if (executor.Spawn(clock) != ExecutorError::kNotRunning) return 8;
  if (allocations != 0) return 9;
  // Only so much that the count counts.
  void* (*volatile allocate)(size_t) = &malloc;
  allocate(1);
  return allocations == 1 ? 0 : 10;
}

}  // namespace
}  // namespace weft

int main() { return weft::Check(); }
