#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace weft::sys {

// A count of this machine's fastest steady clock: TSC cycles, or nanoseconds of CLOCK_MONOTONIC
// where the TSC cannot be trusted. Only differences within one boot mean anything.
using Ticks = int64_t;

inline constexpr Ticks kTicksForever = INT64_MAX;

// True when `cpuinfo`, the text of /proc/cpuinfo, promises a TSC of one rate that never stops.
bool CpuinfoPromisesSteadyTsc(std::string_view cpuinfo);

namespace clock_internal {
enum class Source : uint8_t { kUnknown, kTsc, kMonotonic };
// Decided at the first read and never changed. Racing first readers decide alike, so the order
// of their relaxed stores does not matter.
inline constinit std::atomic<Source> source{Source::kUnknown};
Ticks ReadTicksSlow();
}  // namespace clock_internal

// Now. Any thread. Not before any load that precedes it in the program: a thread that took a task
// out of an inbox reads a time not earlier than the one the submitter stamped. The fence is what
// promises it; rdtsc alone may run ahead of a load that missed the cache.
inline Ticks ReadTicks() {
#if defined(__x86_64__)
  if (clock_internal::source.load(std::memory_order_relaxed) == clock_internal::Source::kTsc)
      [[likely]] {
    _mm_lfence();
    return static_cast<Ticks>(__rdtsc());
  }
#endif
  return clock_internal::ReadTicksSlow();
}

// Now, without the fence: may run ahead of loads and of other readings that precede it, by some
// tens of nanoseconds. Any thread; for boundaries within one thread, which keeps the larger of this
// and its last reading.
inline Ticks ReadTicksUnordered() {
#if defined(__x86_64__)
  if (clock_internal::source.load(std::memory_order_relaxed) == clock_internal::Source::kTsc)
      [[likely]] {
    return static_cast<Ticks>(__rdtsc());
  }
#endif
  return clock_internal::ReadTicksSlow();
}

// A line through one point that maps ticks to Unix nanoseconds. Plain data, any thread. The stamps
// of one task are converted with one copy of it: order is then kept and differences are exact.
struct ClockAnchor {
  // ns_per_tick is multiplier / 2^kShift; sources from 62.5 MHz to beyond 100 GHz fit.
  static constexpr int kShift = 60;

  Ticks ticks = 0;
  int64_t unix_ns = 0;
  uint64_t multiplier = uint64_t{1} << kShift;

  // Monotone: a later tick never maps to an earlier time.
  int64_t ToUnixNs(Ticks at) const { return unix_ns + TicksToNs(at - ticks); }

  // Rounded down. `delta` may be negative.
  int64_t TicksToNs(Ticks delta) const {
    return static_cast<int64_t>((static_cast<__int128>(delta) * multiplier) >> kShift);
  }

  // The same of a delta that is not negative, at half the price.
  uint64_t DurationNs(uint64_t delta) const {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(delta) * multiplier) >> kShift);
  }

  // The smallest count of ticks that lasts at least `ns`, so that a wait is never too short.
  // What does not fit becomes kTicksForever; `ns` below 0 is taken as 0.
  Ticks NsToTicks(int64_t ns) const;
};

// Ticks and wall clock of one moment.
struct ClockReading {
  Ticks ticks = 0;
  int64_t unix_ns = 0;
};

// The anchor that continues `old` at `now.ticks` without a step and approaches `now.unix_ns`, over
// about 10 s, by bending `nominal_multiplier` by 500 ppm at most. Pure.
ClockAnchor Slew(const ClockAnchor& old, const ClockReading& now, uint64_t nominal_multiplier);

// The calibrated clock. Owned by the daemon; Door thread only after construction. Copies of the
// anchor may go anywhere. Construction takes about 5 ms, spent measuring the rate.
class Clock {
 public:
  Clock();
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  // Measures the rate again over the whole time since the start and slews the anchor towards
  // CLOCK_REALTIME. Meant for about once a second; makes a few system clock reads.
  void Reanchor();

  const ClockAnchor& anchor() const { return anchor_; }

  // Wall clock minus ours at the last Reanchor. Large after the wall clock was set by hand: we
  // approach it at 500 ppm only.
  int64_t offset_ns() const { return offset_ns_; }

  // False when ticks are CLOCK_MONOTONIC nanoseconds.
  bool uses_tsc() const { return uses_tsc_; }

 private:
  bool uses_tsc_ = false;
  // Start of the baseline over which the rate is measured, in CLOCK_MONOTONIC: it is never set.
  Ticks baseline_ticks_ = 0;
  int64_t baseline_monotonic_ns_ = 0;
  uint64_t nominal_multiplier_ = 0;
  int64_t offset_ns_ = 0;
  ClockAnchor anchor_;
};

}  // namespace weft::sys
