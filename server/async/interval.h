#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "executor/task_context.h"

namespace weft {

// What becomes of the ticks that were due while nobody asked for them.
enum class MissedTicks : uint8_t {
  kBurst,  // They come one after the other, at once, until it has caught up.
  kDelay,  // They do not come; the next is due a period after the one that came late.
  kSkip,   // They do not come; the next is due when it would have been.
};

struct IntervalOptions {
  int64_t period_ns = 0;  // Above 0.
  MissedTicks missed = MissedTicks::kBurst;
  std::optional<int64_t> first_ns;  // When the first is due; a period from now, unless told.
};

struct TickResult {
  // kElapsed: the tick came. Otherwise the caller was asked to stop, and the tick is still to come.
  WakeReason reason = WakeReason::kElapsed;
  int64_t due_ns = 0;
};

// Ticks that are due at a time and from there on every period. One task at a time. Times are on the
// clock of TaskContext::NowNs.
class Interval {
 public:
  // now_ns: of the task, or its host. InvalidArgument: the period is not above 0.
  static absl::StatusOr<Interval> Make(int64_t now_ns, const IntervalOptions& options);

  // Suspends until the next is due. One that was due before comes at once, but lets others go
  // first. A tick was missed when the one after it is due as well.
  TickResult Tick(TaskContext& context);

  int64_t next_ns() const { return next_ns_; }
  int64_t period_ns() const { return period_ns_; }

 private:
  Interval(int64_t period_ns, MissedTicks missed, int64_t next_ns)
      : period_ns_(period_ns), missed_(missed), next_ns_(next_ns) {}

  int64_t NextAfter(int64_t due_ns, int64_t now_ns) const;

  int64_t period_ns_;
  MissedTicks missed_;
  int64_t next_ns_;
};

}  // namespace weft
