#include "async/interval.h"

#include "absl/strings/str_cat.h"
#include "async/timing.h"

namespace weft {

absl::StatusOr<Interval> Interval::Make(int64_t now_ns, const IntervalOptions& options) {
  if (options.period_ns <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("period_ns is ", options.period_ns, ": an interval takes 1 or more"));
  }
  const int64_t first_ns = options.first_ns.value_or(TimeAfter(now_ns, options.period_ns));
  return Interval(options.period_ns, options.missed, first_ns);
}

TickResult Interval::Tick(TaskContext& context) {
  const int64_t due_ns = next_ns_;
  const WakeReason reason = SleepUntil(context, due_ns);
  if (reason == WakeReason::kElapsed) next_ns_ = NextAfter(due_ns, context.NowNs());
  return {reason, due_ns};
}

int64_t Interval::NextAfter(int64_t due_ns, int64_t now_ns) const {
  const int64_t next_ns = TimeAfter(due_ns, period_ns_);
  if (now_ns < next_ns || missed_ == MissedTicks::kBurst) return next_ns;
  if (missed_ == MissedTicks::kDelay) return TimeAfter(now_ns, period_ns_);
  // The first is due as far from now as the others of its kind; neither sum nor product overflows.
  const uint64_t late_ns = static_cast<uint64_t>(now_ns) - static_cast<uint64_t>(due_ns);
  const auto period_ns = static_cast<uint64_t>(period_ns_);
  return TimeAfter(now_ns, static_cast<int64_t>(period_ns - late_ns % period_ns));
}

}  // namespace weft
