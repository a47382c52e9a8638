#pragma once

#include <atomic>
#include <cstdint>

#include "executor/executor.h"
#include "executor/fallback_executor.h"

namespace weft {

enum class RegisterAnswer : uint8_t {
  kRegistered,
  kAlreadyRegistered,  // Another was registered before, or this one was; that stays.
  kTooLate,            // Somebody has asked for the current one, and was given the fallback.
};

// Which executor a process runs tasks on: the one that was registered, or else the fallback.
// Decided once, by the first Register or the first Current, so that nobody who has asked ever sees
// another. Any thread.
class ExecutorRegistry {
 public:
  // fallback: how the fallback is built that stands in when nobody registers another.
  explicit constexpr ExecutorRegistry(const FallbackOptions& fallback = {}) : fallback_(fallback) {}

  // executor outlives all that use the registry.
  RegisterAnswer Register(Executor& executor);

  // The registered one; without one the fallback, from now on for good. That one's thread rule
  // holds: only one thread polls it.
  Executor& Current();

  // Whether Current answers the fallback, or would, as it stands. Decides nothing.
  bool IsUsingFallback() const;

 private:
  FallbackExecutor fallback_;
  // Null until it is decided; then never written again. Its one write releases what was written to
  // the executor before, and each read acquires it.
  std::atomic<Executor*> current_{nullptr};
};

// The process's own. Its fallback has the system's monotonic clock, and in BlockOn sleeps at most
// 1 ms at a time: a wake from another thread is noticed so late.
ExecutorRegistry& ProcessExecutors();

}  // namespace weft
