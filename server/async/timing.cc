#include "async/timing.h"

#include <time.h>

#include <algorithm>
#include <atomic>

#include "async/try_finally.h"
#include "sys/futex.h"

namespace weft {

WakeReason SleepUntil(TaskContext& context, int64_t until_ns) {
  if (context.NowNs() >= until_ns) return context.Yield();
  WakeReason reason = context.Park(until_ns);
  while (reason == WakeReason::kWoken) reason = context.Park(until_ns);
  return reason;
}

int64_t BootClock::NowNs() const {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

WakeReason SleepUntilBoot(TaskContext& context, const BootClock& clock, int64_t until_boot_ns) {
  int64_t now_ns = clock.NowNs();
  if (now_ns >= until_boot_ns) return context.Yield();
  WakeReason reason = WakeReason::kElapsed;
  while (now_ns < until_boot_ns && reason == WakeReason::kElapsed) {
    // Both may be far from zero.
    const uint64_t left_ns = static_cast<uint64_t>(until_boot_ns) - static_cast<uint64_t>(now_ns);
    reason = context.SleepFor(static_cast<int64_t>(std::min<uint64_t>(left_ns, kBootLookNs)));
    now_ns = clock.NowNs();
  }
  return reason;
}

int64_t TimeAfter(int64_t now_ns, int64_t duration_ns) {
  if (duration_ns <= 0) return now_ns;
  return now_ns < kNoEnd - duration_ns ? now_ns + duration_ns : kNoEnd;
}

namespace timing_internal {
namespace {

// How often a thread of a pool that stops looks whether what it waits for has come to its end.
constexpr int64_t kEndLookNs = 50'000;

}  // namespace

absl::Status MayBegin(TaskContext& context, int64_t until_ns) {
  if (context.CancelRequested()) return absl::CancelledError("the caller was asked to stop");
  if (context.NowNs() < until_ns) return absl::OkStatus();
  return absl::DeadlineExceededError("the time passed before it could begin");
}

absl::Status JoinOrAbort(TaskContext& context, JoinHandle<void>& child, int64_t until_ns) {
  absl::Status joined = child.Join(context, until_ns);
  // Else it has ended, whatever came of it.
  if (!child.is_attached()) return joined;
  const bool had_ended = !child.Abort();
  const Shield shield(context);
  absl::Status ended = child.Join(context);
  // The pool's threads are told no ends any more when its core stops, but what the child runs lies
  // on the caller's stack.
  std::atomic<uint32_t> nobody{0};
  while (child.is_running()) sys::FutexWait(nobody, 0, kEndLookNs);
  return had_ended ? ended : joined;
}

}  // namespace timing_internal
}  // namespace weft
