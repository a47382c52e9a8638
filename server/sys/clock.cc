#include "sys/clock.h"

#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace weft::sys {
namespace {

using clock_internal::Source;

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kCalibrationNs = 5'000'000;
constexpr int64_t kSlewHorizonNs = 10 * kNsPerSecond;
constexpr int64_t kBendMaxPpb = 500'000;
// Of so many readings the one with the tightest bracket is taken: the others were interrupted.
constexpr int kReadingsPerSample = 8;

int64_t ReadClock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec;
}

struct Sample {
  Ticks ticks = 0;
  int64_t ns = 0;
};

Sample ReadTogether(clockid_t clock) {
  Sample best;
  Ticks narrowest = kTicksForever;
  for (int i = 0; i < kReadingsPerSample; ++i) {
    const Ticks before = ReadTicks();
    const int64_t ns = ReadClock(clock);
    const Ticks after = ReadTicks();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    best = {before + (after - before) / 2, ns};
  }
  return best;
}

// 0 when the two samples give no rate that could be true.
uint64_t MeasureMultiplier(const Sample& first, const Sample& last) {
  const Ticks ticks = last.ticks - first.ticks;
  const int64_t ns = last.ns - first.ns;
  if (ticks <= 0 || ns <= 0) return 0;
  const auto multiplier =
      (static_cast<unsigned __int128>(ns) << ClockAnchor::kShift) / static_cast<uint64_t>(ticks);
  // Above 2^63 the product in TicksToNs could leave 128 bits.
  if (multiplier == 0 || multiplier >> 63 != 0) return 0;
  return static_cast<uint64_t>(multiplier);
}

int64_t DifferencePpb(uint64_t value, uint64_t reference) {
  const __int128 difference = static_cast<__int128>(value) - static_cast<__int128>(reference);
  return static_cast<int64_t>(difference * kNsPerSecond / static_cast<__int128>(reference));
}

Source DetectSource() {
#if defined(__x86_64__)
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (CpuinfoPromisesSteadyTsc(text)) return Source::kTsc;
#endif
  return Source::kMonotonic;
}

}  // namespace

bool CpuinfoPromisesSteadyTsc(std::string_view cpuinfo) {
  const size_t start = cpuinfo.find("\nflags");
  if (start == std::string_view::npos) return false;
  const std::string_view line = cpuinfo.substr(start + 1, cpuinfo.find('\n', start + 1) - start);
  const auto has = [&line](std::string_view flag) {
    const size_t at = line.find(flag);
    return at != std::string_view::npos && line[at - 1] == ' ' &&
           (at + flag.size() == line.size() || line[at + flag.size()] == ' ' ||
            line[at + flag.size()] == '\n');
  };
  return has("constant_tsc") && has("nonstop_tsc");
}

namespace clock_internal {

Ticks ReadTicksSlow() {
  if (source.load(std::memory_order_relaxed) == Source::kUnknown) {
    source.store(DetectSource(), std::memory_order_relaxed);
    return ReadTicks();
  }
  return ReadClock(CLOCK_MONOTONIC);
}

}  // namespace clock_internal

Ticks ClockAnchor::NsToTicks(int64_t ns) const {
  if (ns <= 0) return 0;
  const auto scaled = static_cast<unsigned __int128>(ns) << kShift;
  const auto ticks_needed = (scaled + multiplier - 1) / multiplier;
  if (ticks_needed >= static_cast<unsigned __int128>(kTicksForever)) return kTicksForever;
  return static_cast<Ticks>(ticks_needed);
}

ClockAnchor Slew(const ClockAnchor& old, const ClockReading& now, uint64_t nominal_multiplier) {
  ClockAnchor next;
  next.ticks = now.ticks;
  next.unix_ns = old.ToUnixNs(now.ticks);
  const __int128 behind_ns = static_cast<__int128>(now.unix_ns) - next.unix_ns;
  const __int128 wanted_ppb = behind_ns * kNsPerSecond / kSlewHorizonNs;
  const auto bend_ppb =
      static_cast<int64_t>(std::clamp<__int128>(wanted_ppb, -kBendMaxPpb, kBendMaxPpb));
  const __int128 bend = static_cast<__int128>(nominal_multiplier) * bend_ppb / kNsPerSecond;
  next.multiplier = static_cast<uint64_t>(static_cast<__int128>(nominal_multiplier) + bend);
  return next;
}

Clock::Clock() {
  Sample first = ReadTogether(CLOCK_MONOTONIC);
  uses_tsc_ = clock_internal::source.load(std::memory_order_relaxed) == Source::kTsc;
  nominal_multiplier_ = uint64_t{1} << ClockAnchor::kShift;
  if (uses_tsc_) {
    while (ReadClock(CLOCK_MONOTONIC) - first.ns < kCalibrationNs) {
    }
    const uint64_t measured = MeasureMultiplier(first, ReadTogether(CLOCK_MONOTONIC));
    if (measured != 0) nominal_multiplier_ = measured;
  }
  baseline_ticks_ = first.ticks;
  baseline_monotonic_ns_ = first.ns;
  const Sample wall = ReadTogether(CLOCK_REALTIME);
  anchor_ = {wall.ticks, wall.ns, nominal_multiplier_};
}

void Clock::Reanchor() {
  const Sample now = ReadTogether(CLOCK_MONOTONIC);
  const uint64_t measured = MeasureMultiplier({baseline_ticks_, baseline_monotonic_ns_}, now);
  // A jump of the rate means that ticks and CLOCK_MONOTONIC parted, as in a suspended machine:
  // the old rate stays and the baseline starts anew.
  if (measured != 0 && std::abs(DifferencePpb(measured, nominal_multiplier_)) <= kBendMaxPpb) {
    nominal_multiplier_ = measured;
  } else {
    baseline_ticks_ = now.ticks;
    baseline_monotonic_ns_ = now.ns;
  }
  const Sample wall = ReadTogether(CLOCK_REALTIME);
  offset_ns_ = wall.ns - anchor_.ToUnixNs(wall.ticks);
  anchor_ = Slew(anchor_, {wall.ticks, wall.ns}, nominal_multiplier_);
}

}  // namespace weft::sys
