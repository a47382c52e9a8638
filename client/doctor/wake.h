#pragma once

#include <cstdint>
#include <vector>

#include "client/doctor/check.h"

// What it costs to get another thread going, which rules the latency of everything that idles.
// Main thread only.
namespace weft::doctor {

struct WakeReading {
  // From the write of a sleeping thread's eventfd to its first instruction, in nanoseconds.
  // 0: could not be measured.
  int64_t sleeping_p50_ns = 0;
  int64_t sleeping_p99_ns = 0;
  // One way to a thread that spins; 0: could not be measured, as on a single CPU.
  int64_t spinning_p50_ns = 0;
};

// Wakes a thread 300 times and hands over to a spinning one 2,000 times, for at most 0.3 s each.
// cpus: those allowed; the two threads go to the first and the last of them.
[[nodiscard]] WakeReading MeasureWake(const std::vector<int>& cpus);
[[nodiscard]] Check JudgeWake(const WakeReading& reading);
[[nodiscard]] Check JudgeHandOver(const WakeReading& reading);

}  // namespace weft::doctor
