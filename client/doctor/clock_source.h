#pragma once

#include <cstdint>
#include <string>

#include "client/doctor/check.h"
#include "client/doctor/machine_root.h"

// The clock that weft stamps every task with. Main thread only.
namespace weft::doctor {

struct ClockReading {
  bool has_tsc = false;        // An x86 with the flag "tsc".
  bool has_constant = false;   // constant_tsc: one rate.
  bool has_nonstop = false;    // nonstop_tsc: never stops.
  std::string source;          // The kernel's own, such as "tsc" or "kvm-clock".
  int64_t tsc_read_ns = 0;     // Cost of one reading; 0 without a TSC.
  int64_t kernel_read_ns = 0;  // Of CLOCK_MONOTONIC.
};

[[nodiscard]] ClockReading ReadClock(const MachineRoot& root);
[[nodiscard]] Check JudgeClock(const ClockReading& reading);

}  // namespace weft::doctor
