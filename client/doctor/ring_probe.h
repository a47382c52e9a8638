#pragma once

#include <cstdint>

namespace weft::doctor {

struct RingProbe {
  // 0, or the errno of `failed_call`.
  int error = 0;
  const char* failed_call = "";
  bool has_deferred_taskrun = false;
  // The median of some no-ops, there and back.
  int64_t no_op_ns = 0;
};

// Uses the system calls themselves, so that the client needs no liburing. Main thread only.
[[nodiscard]] RingProbe ProbeRing();

}  // namespace weft::doctor
