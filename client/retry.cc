#include "client/retry.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "weft/status_details.h"

namespace weft {

RetryEnvironment RetryEnvironment::Real() {
  return {
      .now_ns =
          [] {
            return std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::steady_clock::now().time_since_epoch())
                .count();
          },
      .sleep_ns = [](int64_t ns) { std::this_thread::sleep_for(std::chrono::nanoseconds(ns)); },
      .random =
          [] {
            thread_local std::minstd_rand generator(std::random_device{}());
            return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
          },
  };
}

bool ShouldRetry(const absl::Status& status, Repeat repeat, const RetryOptions& options) {
  const bool temporary = status.code() == absl::StatusCode::kUnavailable ||
                         status.code() == absl::StatusCode::kResourceExhausted;
  if (!temporary) return false;
  if (!ErrorReason(status).empty()) return RetryDelayNs(status).has_value();
  // gRPC itself answers RESOURCE_EXHAUSTED for a message that is too large, now and ever.
  if (status.code() == absl::StatusCode::kResourceExhausted) return false;
  return repeat == Repeat::kHarmless || options.retry_broken_calls;
}

int64_t RetryDelay(const absl::Status& status, int next_try, double random,
                   const RetryOptions& options) {
  double backoff = static_cast<double>(options.initial_backoff_ns);
  const auto limit = static_cast<double>(options.max_backoff_ns);
  for (int i = 2; i < next_try && backoff < limit; ++i) backoff *= 2;
  backoff = std::min(backoff, limit);
  const int64_t hint = std::max<int64_t>(0, RetryDelayNs(status).value_or(0));
  if (hint > 0) return hint + static_cast<int64_t>(backoff * random);
  // Without a hint, between half of the backoff and all of it.
  return static_cast<int64_t>(backoff * (0.5 + random / 2));
}

absl::Status CallWithRetry(const std::function<absl::Status(int64_t)>& attempt, int64_t timeout_ns,
                           Repeat repeat, const RetryOptions& options,
                           const RetryEnvironment& environment) {
  const int64_t deadline_ns = environment.now_ns() + timeout_ns;
  int64_t left_ns = timeout_ns;
  for (int next_try = 2;; ++next_try) {
    absl::Status status = attempt(left_ns);
    if (status.ok() || next_try > options.max_attempts) return status;
    if (!ShouldRetry(status, repeat, options)) return status;
    const int64_t delay_ns = RetryDelay(status, next_try, environment.random(), options);
    if (environment.now_ns() + delay_ns >= deadline_ns) return status;
    environment.sleep_ns(delay_ns);
    left_ns = deadline_ns - environment.now_ns();
    if (left_ns <= 0) return status;
  }
}

}  // namespace weft
