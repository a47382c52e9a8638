#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

// What runs the handlers' code on the daemon's cores: executor.kind. The blocking pool is beside it
// and the same with each.
enum class ExecutorKind : uint8_t {
  kCore,      // The core itself, on stacks that handlers may leave: all there is.
  kFallback,  // A FallbackExecutor for each core, which holds no more than its 32 tasks at once.
  kAsio,      // A polled AsioExecutor for each core.
};
inline constexpr std::string_view kExecutorKinds[] = {"core", "fallback", "asio"};

constexpr std::string_view ExecutorKindName(ExecutorKind kind) {
  return kExecutorKinds[static_cast<size_t>(kind)];
}

// Tasks that a core of the fallback takes on, queued ones included; see FallbackExecutor.
inline constexpr uint32_t kFallbackTasksMax = 32;

}  // namespace weft
