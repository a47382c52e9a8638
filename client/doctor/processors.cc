#include "client/doctor/processors.h"

#include <algorithm>
#include <array>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace weft::doctor {
namespace {

// Below this share stolen time is lost in other noise.
constexpr double kStealMax = 0.01;

std::string CpuFolder(int cpu) { return absl::StrCat("/sys/devices/system/cpu/cpu", cpu); }

// What of the file stands in brackets.
std::string Chosen(const MachineRoot& root, const std::string& path) {
  const std::string text = root.Read(path).value_or("");
  const size_t open = text.find('[');
  const size_t close = text.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return "";
  return text.substr(open + 1, close - open - 1);
}

}  // namespace

CpuReading ReadCpus(const MachineRoot& root) {
  const std::string status = root.Read("/proc/self/status").value_or("");
  return {ParseCpuList(FieldOf(status, "Cpus_allowed_list").value_or("")),
          ParseCpuList(root.Read("/sys/devices/system/cpu/online").value_or(""))};
}

Check JudgeCpus(const CpuReading& reading, const std::string& cpuset) {
  const char* const kName = "allowed CPUs";
  if (reading.allowed.empty()) {
    return {kName, Level::kWarning, "/proc/self/status does not tell them",
            "mount /proc, then run weft doctor again"};
  }
  std::string found =
      absl::StrCat(reading.allowed.size(), " (", FormatCpuList(reading.allowed), ")");
  if (reading.online.size() > reading.allowed.size()) {
    absl::StrAppend(&found, " of ", reading.online.size(), " online");
    if (!cpuset.empty()) absl::StrAppend(&found, ", cpuset ", cpuset);
  }
  if (reading.allowed.size() > 1) return {kName, Level::kOk, found, ""};
  return {kName, Level::kWarning,
          found + ": the Door and the core take turns on it, and nothing can spin",
          "allow two or more (CPUAffinity= and AllowedCPUs= in the unit, --cpuset-cpus, taskset)"};
}

GovernorReading ReadGovernors(const MachineRoot& root, const std::vector<int>& cpus) {
  GovernorReading reading;
  for (const int cpu : cpus) {
    const auto governor = root.Read(CpuFolder(cpu) + "/cpufreq/scaling_governor");
    if (governor) ++reading[*governor];
  }
  return reading;
}

Check JudgeGovernors(const GovernorReading& reading) {
  const char* const kName = "CPU governor";
  if (reading.empty()) return {kName, Level::kOk, "none: the frequency is not the kernel's", ""};
  const auto describe = [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.first, " on ", entry.second);
  };
  const std::string found = absl::StrJoin(reading, ", ", describe);
  if (reading.size() == 1 && reading.count("performance") == 1) {
    return {kName, Level::kOk, found, ""};
  }
  return {kName, Level::kWarning, found + ": a CPU that rested answers the next task slowly",
          "cpupower frequency-set --governor performance"};
}

SiblingReading ReadSiblings(const MachineRoot& root, const std::vector<int>& cpus) {
  const std::set<int> allowed(cpus.begin(), cpus.end());
  std::set<std::vector<int>> sets;
  for (const int cpu : cpus) {
    const auto text = root.Read(CpuFolder(cpu) + "/topology/thread_siblings_list");
    std::vector<int> siblings;
    for (const int sibling : ParseCpuList(text.value_or(""))) {
      if (allowed.count(sibling) == 1) siblings.push_back(sibling);
    }
    if (siblings.size() > 1) sets.insert(siblings);
  }
  return {sets.begin(), sets.end()};
}

Check JudgeSiblings(const SiblingReading& reading) {
  const char* const kName = "SMT";
  if (reading.empty()) return {kName, Level::kOk, "each allowed CPU has a core of its own", ""};
  return {kName, Level::kOk,
          absl::StrCat(reading.size(), " cores are shared, the first by CPUs ",
                       FormatCpuList(reading.front()),
                       "; one CPU of each in executor.cores gives steadier latencies"),
          ""};
}

std::optional<CpuTimes> ReadCpuTimes(const MachineRoot& root) {
  // user nice system idle iowait irq softirq steal; what guests took is in user already.
  constexpr size_t kFields = 8;
  constexpr size_t kIdle = 3;
  constexpr size_t kIowait = 4;
  constexpr size_t kSteal = 7;
  const std::string text = root.Read("/proc/stat").value_or("");
  const std::vector<std::string> words =
      absl::StrSplit(text.substr(0, text.find('\n')), ' ', absl::SkipWhitespace());
  if (words.size() <= kFields || words[0] != "cpu") return std::nullopt;
  std::array<uint64_t, kFields> ticks{};
  CpuTimes times;
  for (size_t i = 0; i < kFields; ++i) {
    if (!absl::SimpleAtoi(words[i + 1], &ticks[i])) return std::nullopt;
    times.total += ticks[i];
  }
  times.idle = ticks[kIdle] + ticks[kIowait];
  times.stolen = ticks[kSteal];
  return times;
}

Check JudgeSteal(const std::optional<CpuTimes>& before, const std::optional<CpuTimes>& after) {
  const char* const kName = "steal time";
  if (!before || !after) {
    return {kName, Level::kWarning, "/proc/stat does not tell it",
            "mount /proc, then run weft doctor again"};
  }
  // The kernel's idle time may step back, by little.
  const uint64_t total = std::max(after->total, before->total + 1) - before->total;
  const uint64_t idle = std::max(after->idle, before->idle) - before->idle;
  const uint64_t stolen = std::max(after->stolen, before->stolen) - before->stolen;
  const auto share = [total](uint64_t part) {
    return std::min(1.0, static_cast<double>(part) / static_cast<double>(total));
  };
  const std::string found = absl::StrFormat("%.1f %% taken by the hypervisor, CPUs %.0f %% busy",
                                            100 * share(stolen), 100 * (1 - share(idle)));
  if (share(stolen) < kStealMax) return {kName, Level::kOk, found, ""};
  return {kName, Level::kWarning, found + ": tasks stand still while another machine runs",
          "move to a host that is not overcommitted, or ask for dedicated CPUs"};
}

HugePageReading ReadHugePages(const MachineRoot& root) {
  const std::string folder = "/sys/kernel/mm/transparent_hugepage/";
  return {Chosen(root, folder + "enabled"), Chosen(root, folder + "defrag")};
}

Check JudgeHugePages(const HugePageReading& reading) {
  const char* const kName = "huge pages";
  if (reading.enabled.empty()) return {kName, Level::kOk, "not in this kernel", ""};
  const std::string found =
      absl::StrCat("transparent: ", reading.enabled, ", defrag: ", reading.defrag);
  if (reading.enabled != "always" || reading.defrag != "always") {
    return {kName, Level::kOk, found, ""};
  }
  return {kName, Level::kWarning, found + ": any page fault may stop to compact memory",
          "echo madvise > /sys/kernel/mm/transparent_hugepage/defrag"};
}

}  // namespace weft::doctor
