#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "async/wait_result.h"
#include "executor/task_context.h"

namespace weft {

// How long to wait between attempts at something, and how often. At least one of max_attempts and
// deadline_ns bounds it.
struct BackoffOptions {
  int64_t initial_ns = 1'000'000;  // Before the second attempt; 1 or more.
  int64_t max_ns = 1'000'000'000;  // No delay is longer; initial_ns or more.
  double factor = 2;               // From one delay to the next; 1 to kFactorMax.
  // The part of each delay that is left to chance, 0 to 1: so that those that failed together do
  // not come back together.
  double jitter = 0.5;
  uint32_t max_attempts = 0;     // Delays there are; 0: the deadline bounds it.
  int64_t deadline_ns = kNoEnd;  // On NowNs's clock; no delay ends behind it.
  uint64_t seed = 0;             // Of the chance; what is seeded alike draws alike.

  static constexpr double kFactorMax = 1'000;
};

// Delays that grow between attempts that fail, until there have been too many or it is too late:
// then it is exhausted, and stays so until Reset. One task at a time.
class Backoff {
 public:
  // InvalidArgument names the field, its value and what is right; so it does when nothing bounds
  // it.
  static absl::StatusOr<Backoff> Make(const BackoffOptions& options);

  // How long to wait before the next attempt, which is counted. None: it is exhausted.
  std::optional<int64_t> Next(int64_t now_ns);
  // Waits that long: kDone. kClosed: it is exhausted. Otherwise the caller was asked to stop; the
  // attempt was counted.
  WaitResult Wait(TaskContext& context);
  // An attempt succeeded: the next delay is the first again. The deadline stays.
  void Reset();

  bool is_exhausted() const { return is_exhausted_; }
  // Delays given since the start, or Reset.
  uint32_t attempts() const { return attempts_; }

 private:
  explicit Backoff(const BackoffOptions& options);

  // At random from 0 to below 1.
  double Draw();

  BackoffOptions options_;
  uint64_t random_;
  double delay_ns_;  // The next, before chance.
  uint32_t attempts_ = 0;
  bool is_exhausted_ = false;
};

}  // namespace weft
