#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "weft/client.h"

// When to try a call again, and after how long. Any thread.
namespace weft {

// What trying a call again may do.
enum class Repeat {
  // The same as doing it once.
  kHarmless,
  // Run the task twice, if the first try reached the daemon.
  kMayDouble,
};

// Time, sleep and chance, so that tests need none of them.
struct RetryEnvironment {
  // Monotonic, in nanoseconds.
  std::function<int64_t()> now_ns;
  std::function<void(int64_t)> sleep_ns;
  // Uniform in [0, 1).
  std::function<double()> random;

  [[nodiscard]] static RetryEnvironment Real();
};

// Whether another try is safe and can help. A refusal by the daemon kept nothing, so it is tried
// again exactly when it came with RetryInfo; a connection that broke says nothing about what the
// daemon did, so it is tried again only when that is harmless or was asked for.
[[nodiscard]] bool ShouldRetry(const absl::Status& status, Repeat repeat,
                               const RetryOptions& options);

// Nanoseconds to wait before try number `next_try` (the second try is 2). RetryInfo is a lower
// bound: the jitter, up to the backoff of this try, comes on top of it.
[[nodiscard]] int64_t RetryDelay(const absl::Status& status, int next_try, double random,
                                 const RetryOptions& options);

// Runs `attempt`, which is given the nanoseconds that are left, until it succeeds, must not be
// tried again, has been tried options.max_attempts times, or a wait would pass the deadline.
// Answers with the last status. Blocks.
[[nodiscard]] absl::Status CallWithRetry(const std::function<absl::Status(int64_t)>& attempt,
                                         int64_t timeout_ns, Repeat repeat,
                                         const RetryOptions& options,
                                         const RetryEnvironment& environment);

}  // namespace weft
