#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/doctor/check.h"
#include "client/doctor/machine_root.h"

// The kernel, and whether it grants an io_uring. Main thread only.
namespace weft::doctor {

struct KernelReading {
  std::string release;  // Such as "6.1.0-18-amd64"; empty when it cannot be read.
};
[[nodiscard]] KernelReading ReadKernel(const MachineRoot& root);
[[nodiscard]] Check JudgeKernel(const KernelReading& reading);

struct RingReading {
  // 0, or the errno of the step that failed.
  int error = 0;
  // "io_uring_setup", "mmap" or "io_uring_enter".
  std::string failed_call;
  // Whether the flags that weftd prefers were granted.
  bool has_deferred_taskrun = false;
  // How long a no-op took there and back, in nanoseconds.
  int64_t no_op_ns = 0;
  // kernel.io_uring_disabled; nothing where the kernel does not know it.
  std::optional<int64_t> disabled;
  // The process is under a seccomp filter, as in a container.
  bool is_filtered = false;
};
// Sets up a ring of 8 entries, runs some no-ops through it and takes it down again.
[[nodiscard]] RingReading ReadRing(const MachineRoot& root);
[[nodiscard]] Check JudgeRing(const RingReading& reading);

}  // namespace weft::doctor
