#include "async/backoff.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

template <class Value>
absl::Status Wrong(const char* field, Value value, const char* right) {
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ": ", right));
}

// Comparisons that no NaN passes.
bool IsWithin(double value, double least, double most) { return value >= least && value <= most; }

absl::Status Check(const BackoffOptions& options) {
  if (options.initial_ns < 1) return Wrong("initial_ns", options.initial_ns, "takes 1 or more");
  if (options.max_ns < options.initial_ns) {
    return Wrong("max_ns", options.max_ns, "takes initial_ns or more");
  }
  if (!IsWithin(options.factor, 1, BackoffOptions::kFactorMax)) {
    return Wrong("factor", options.factor, "takes 1 to 1000");
  }
  if (!IsWithin(options.jitter, 0, 1)) return Wrong("jitter", options.jitter, "takes 0 to 1");
  if (options.max_attempts == 0 && options.deadline_ns == kNoEnd) {
    return absl::InvalidArgumentError(
        "max_attempts is 0 and there is no deadline_ns: set one, or it would never end");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Backoff> Backoff::Make(const BackoffOptions& options) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  return Backoff(options);
}

Backoff::Backoff(const BackoffOptions& options)
    : options_(options),
      random_(options.seed),
      delay_ns_(static_cast<double>(options.initial_ns)) {}

std::optional<int64_t> Backoff::Next(int64_t now_ns) {
  is_exhausted_ = is_exhausted_ || now_ns >= options_.deadline_ns ||
                  (options_.max_attempts > 0 && attempts_ == options_.max_attempts);
  if (is_exhausted_) return std::nullopt;
  const double drawn_ns = delay_ns_ * (1 - options_.jitter * Draw());
  // The largest double below is compared, not converted: it may not fit.
  const int64_t delay_ns = drawn_ns >= static_cast<double>(options_.max_ns)
                               ? options_.max_ns
                               : static_cast<int64_t>(drawn_ns);
  // Both may be far from zero.
  if (options_.deadline_ns != kNoEnd &&
      static_cast<uint64_t>(delay_ns) >
          static_cast<uint64_t>(options_.deadline_ns) - static_cast<uint64_t>(now_ns)) {
    is_exhausted_ = true;
    return std::nullopt;
  }
  ++attempts_;
  delay_ns_ = std::min(delay_ns_ * options_.factor, static_cast<double>(options_.max_ns));
  return delay_ns;
}

WaitResult Backoff::Wait(TaskContext& context) {
  const std::optional<int64_t> delay_ns = Next(context.NowNs());
  if (!delay_ns.has_value()) return WaitResult::kClosed;
  const WakeReason reason = context.SleepFor(*delay_ns);
  return reason == WakeReason::kElapsed ? WaitResult::kDone : WaitResultOf(reason);
}

void Backoff::Reset() {
  delay_ns_ = static_cast<double>(options_.initial_ns);
  attempts_ = 0;
  is_exhausted_ = false;
}

// SplitMix64, of which every seed is a good one, and the 53 bits that a double has.
double Backoff::Draw() {
  random_ += 0x9e3779b97f4a7c15;
  uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  mixed ^= mixed >> 31;
  return static_cast<double>(mixed >> 11) * 0x1p-53;
}

}  // namespace weft
