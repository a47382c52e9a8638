#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/doctor/check.h"
#include "client/doctor/machine_root.h"

// What the control groups of this process grant: the least of the group and those above it, of
// version 1 and 2. Main thread only.
namespace weft::doctor {

struct ControlGroupReading {
  // CPU time per time, such as 0.5; absent when there is no quota.
  std::optional<double> cpu_quota;
  // Absent when there is no limit.
  std::optional<int64_t> memory_bytes;
  // CPUs of the cpuset, such as "0-3"; empty when none is set.
  std::string cpuset;
  // Memory that the machine has free; absent when it cannot be read.
  std::optional<int64_t> machine_available_bytes;
};

[[nodiscard]] ControlGroupReading ReadControlGroup(const MachineRoot& root);

// allowed_cpus: how many CPUs this process may run on.
[[nodiscard]] Check JudgeCpuQuota(const ControlGroupReading& reading, size_t allowed_cpus);
[[nodiscard]] Check JudgeMemoryLimit(const ControlGroupReading& reading);

}  // namespace weft::doctor
