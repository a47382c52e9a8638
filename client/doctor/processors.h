#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/doctor/check.h"
#include "client/doctor/machine_root.h"

// The CPUs: which ones this process may use, and what makes them slow or uneven. Main thread only.
namespace weft::doctor {

struct CpuReading {
  std::vector<int> allowed;  // Empty when it cannot be read.
  std::vector<int> online;
};
[[nodiscard]] CpuReading ReadCpus(const MachineRoot& root);
// cpuset: of the control group, such as "0-3"; empty when none is set.
[[nodiscard]] Check JudgeCpus(const CpuReading& reading, const std::string& cpuset);

// How many of the allowed CPUs have which governor; empty where the kernel does not govern.
using GovernorReading = std::map<std::string, int>;
[[nodiscard]] GovernorReading ReadGovernors(const MachineRoot& root, const std::vector<int>& cpus);
[[nodiscard]] Check JudgeGovernors(const GovernorReading& reading);

// Sets of allowed CPUs that share one physical core; single ones are left out.
using SiblingReading = std::vector<std::vector<int>>;
[[nodiscard]] SiblingReading ReadSiblings(const MachineRoot& root, const std::vector<int>& cpus);
// Always ok: it is for the operator to choose.
[[nodiscard]] Check JudgeSiblings(const SiblingReading& reading);

// CPU time since the start of the machine, all CPUs together, in the kernel's clock ticks.
struct CpuTimes {
  uint64_t total = 0;
  uint64_t idle = 0;
  uint64_t stolen = 0;
};
[[nodiscard]] std::optional<CpuTimes> ReadCpuTimes(const MachineRoot& root);
[[nodiscard]] Check JudgeSteal(const std::optional<CpuTimes>& before,
                               const std::optional<CpuTimes>& after);

// The words in brackets: "madvise" of "always [madvise] never". Empty where there is no such file.
struct HugePageReading {
  std::string enabled;
  std::string defrag;
};
[[nodiscard]] HugePageReading ReadHugePages(const MachineRoot& root);
[[nodiscard]] Check JudgeHugePages(const HugePageReading& reading);

}  // namespace weft::doctor
