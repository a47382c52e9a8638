#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "async/join_handle.h"
#include "async/outcome.h"
#include "async/spawn.h"
#include "executor/task_context.h"

// Waiting for times, and for work until a time. Times are on the clock of TaskContext::NowNs;
// TaskContext itself sleeps for a while (SleepFor), lets others go first (Yield) and tells the time
// of the event it runs for (EventTimeNs).
namespace weft {

// Suspends until then. kElapsed: it is that time; one that has passed only lets others go first.
// Otherwise it was asked to stop.
WakeReason SleepUntil(TaskContext& context, int64_t until_ns);

// Time that goes on while the machine is suspended, which NowNs may not. Any thread.
class BootClock {
 public:
  BootClock() = default;
  virtual ~BootClock() = default;
  // CLOCK_BOOTTIME.
  virtual int64_t NowNs() const;
};

// A sleep by a BootClock looks at it again at least this often: so long after a suspension of the
// machine at most it ends that would have ended within it.
inline constexpr int64_t kBootLookNs = 500'000'000;

// The same as SleepUntil by a clock that counts suspensions. Sleeps by the executor's clock for
// what is left, kBootLookNs at most, and looks again: a timer of the system's own would need a
// descriptor for each sleep, or a thread that shares one.
WakeReason SleepUntilBoot(TaskContext& context, const BootClock& clock, int64_t until_boot_ns);

// now_ns + duration_ns, but kNoEnd at the latest, and now when the duration is not above 0.
int64_t TimeAfter(int64_t now_ns, int64_t duration_ns);

namespace timing_internal {

// Whether it may begin: the time has not passed.
absl::Status MayBegin(TaskContext& context, int64_t until_ns);
// Waits for the child, aborts it when that ends before the child does, and waits for that. OK: it
// ended by itself, and in time.
absl::Status JoinOrAbort(TaskContext& context, JoinHandle<void>& child, int64_t until_ns);

}  // namespace timing_internal

// Runs f, one of f(TaskContext&) or f(), as a task of the same host and waits for it, so that it
// may refer to what the caller has; f's own Status or StatusOr is the answer. When until_ns comes
// first, f is asked to stop and waited for all the same: DeadlineExceeded, whatever it then
// returned. So it is when the caller is asked to stop: Cancelled, or DeadlineExceeded by its
// deadline. A time that has passed: f is not called. Internal: it threw; ResourceExhausted and
// others of async/spawn.h: there is no slot for it. On the blocking pool it takes a second thread.
template <class F>
auto TimeoutAt(TaskContext& context, int64_t until_ns, F f)
    -> OutcomeOf<spawn_internal::ValueOf<F>> {
  using Value = spawn_internal::ValueOf<F>;
  if (absl::Status may = timing_internal::MayBegin(context, until_ns); !may.ok()) return may;
  using Kept = std::conditional_t<std::is_void_v<Value>, bool, Value>;
  std::optional<Kept> value;
  auto child = Spawn(context.host(), [&f, &value](TaskContext& inner) {
    if constexpr (std::is_void_v<Value>) {
      spawn_internal::CallOf(f, inner);
    } else {
      value.emplace(spawn_internal::CallOf(f, inner));
    }
  });
  if (!child.ok()) return child.status();
  absl::Status joined = timing_internal::JoinOrAbort(context, *child, until_ns);
  if constexpr (std::is_void_v<Value>) {
    return joined;
  } else {
    if (!joined.ok()) return joined;
    return *std::move(value);
  }
}

// The same for so long; not above 0: that time has passed.
template <class F>
auto Timeout(TaskContext& context, int64_t duration_ns, F f) {
  return TimeoutAt(context, TimeAfter(context.NowNs(), duration_ns), std::move(f));
}

}  // namespace weft
