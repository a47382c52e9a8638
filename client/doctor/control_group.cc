#include "client/doctor/control_group.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "client/doctor/byte_size.h"

namespace weft::doctor {
namespace {

constexpr char kMount[] = "/sys/fs/cgroup";
// The default bounds of payloads in flight and of kept results, and what weftd itself takes.
constexpr int64_t kMemoryBytesMin = int64_t{512} << 20U;
// Version 1 tells no limit by a number close to 2^63.
constexpr int64_t kNoMemoryLimit = int64_t{1} << 60U;

// Folders of one hierarchy from the process's own group up to the root. Inside a container the
// path may be that of the host, which is not there; the root then stands for the group.
std::vector<std::string> Lineage(const MachineRoot& root, const std::string& mount,
                                 std::string group) {
  std::vector<std::string> folders;
  while (!group.empty() && group != "/") {
    if (root.Exists(mount + group)) folders.push_back(mount + group);
    group.resize(group.rfind('/'));
  }
  folders.push_back(mount);
  return folders;
}

template <class T>
void TakeLeast(std::optional<T>* least, T value) {
  if (!*least || value < **least) *least = value;
}

// "max 100000" or "50000 100000".
void TakeCpuMax(const MachineRoot& root, const std::string& folder, ControlGroupReading* reading) {
  const std::vector<std::string> words =
      absl::StrSplit(root.Read(folder + "/cpu.max").value_or(""), ' ');
  double quota = 0;
  double period = 0;
  if (words.size() != 2 || !absl::SimpleAtod(words[0], &quota)) return;
  if (!absl::SimpleAtod(words[1], &period) || period <= 0) return;
  TakeLeast(&reading->cpu_quota, quota / period);
}

void TakeCfsQuota(const MachineRoot& root, const std::string& folder,
                  ControlGroupReading* reading) {
  const auto quota = root.ReadNumber(folder + "/cpu.cfs_quota_us");
  const auto period = root.ReadNumber(folder + "/cpu.cfs_period_us");
  if (!quota || !period || *quota <= 0 || *period <= 0) return;
  TakeLeast(&reading->cpu_quota, static_cast<double>(*quota) / static_cast<double>(*period));
}

void TakeMemory(const std::optional<int64_t>& bytes, ControlGroupReading* reading) {
  if (bytes && *bytes < kNoMemoryLimit) TakeLeast(&reading->memory_bytes, *bytes);
}

// The innermost group that names CPUs.
void TakeCpuset(const MachineRoot& root, const std::string& file, ControlGroupReading* reading) {
  if (reading->cpuset.empty()) reading->cpuset = root.Read(file).value_or("");
}

void ReadVersion2(const MachineRoot& root, const std::string& group, ControlGroupReading* reading) {
  const std::string hybrid = absl::StrCat(kMount, "/unified");
  const std::string mount = root.Exists(hybrid) ? hybrid : kMount;
  for (const std::string& folder : Lineage(root, mount, group)) {
    TakeCpuMax(root, folder, reading);
    TakeMemory(root.ReadNumber(folder + "/memory.max"), reading);
    TakeCpuset(root, folder + "/cpuset.cpus.effective", reading);
  }
}

void ReadVersion1(const MachineRoot& root, const std::string& controllers, const std::string& group,
                  ControlGroupReading* reading) {
  const std::string mount = absl::StrCat(kMount, "/", controllers);
  for (const std::string& folder : Lineage(root, mount, group)) {
    TakeCfsQuota(root, folder, reading);
    TakeMemory(root.ReadNumber(folder + "/memory.limit_in_bytes"), reading);
    TakeCpuset(root, folder + "/cpuset.effective_cpus", reading);
    TakeCpuset(root, folder + "/cpuset.cpus", reading);
  }
}

std::optional<int64_t> AvailableBytes(const MachineRoot& root) {
  const auto text = FieldOf(root.Read("/proc/meminfo").value_or(""), "MemAvailable");
  int64_t kibibytes = 0;
  if (!text || !absl::SimpleAtoi(text->substr(0, text->find(' ')), &kibibytes)) {
    return std::nullopt;
  }
  return kibibytes * 1024;
}

}  // namespace

ControlGroupReading ReadControlGroup(const MachineRoot& root) {
  ControlGroupReading reading;
  reading.machine_available_bytes = AvailableBytes(root);
  const std::string groups = root.Read("/proc/self/cgroup").value_or("");
  for (const absl::string_view line : absl::StrSplit(groups, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (parts[1].empty()) {
      ReadVersion2(root, parts[2], &reading);
    } else {
      ReadVersion1(root, parts[1], parts[2], &reading);
    }
  }
  return reading;
}

Check JudgeCpuQuota(const ControlGroupReading& reading, size_t allowed_cpus) {
  const char* const kName = "CPU quota";
  if (!reading.cpu_quota) return {kName, Level::kOk, "none", ""};
  const std::string quota = absl::StrFormat("%.2f CPUs", *reading.cpu_quota);
  const std::string found = absl::StrCat(quota, " for ", allowed_cpus, " allowed");
  if (*reading.cpu_quota >= static_cast<double>(allowed_cpus)) {
    return {kName, Level::kOk, found, ""};
  }
  return {kName, Level::kWarning,
          found + ": once used up, all threads stand still until the next period",
          absl::StrCat("raise it to ", allowed_cpus,
                       " CPUs (CPUQuota=, --cpus) or take it away; or allow fewer CPUs, and set "
                       "executor.idle = \"sleep\" so that nothing spins it away")};
}

Check JudgeMemoryLimit(const ControlGroupReading& reading) {
  const char* const kName = "memory limit";
  const std::string available =
      reading.machine_available_bytes
          ? absl::StrCat("; ", FormatBytes(*reading.machine_available_bytes), " available")
          : std::string();
  if (!reading.memory_bytes) return {kName, Level::kOk, "none" + available, ""};
  const std::string limit = FormatBytes(*reading.memory_bytes);
  if (*reading.memory_bytes >= kMemoryBytesMin) {
    return {kName, Level::kOk, limit + available, ""};
  }
  return {kName, Level::kWarning,
          absl::StrCat(limit, ": with its default bounds weftd may need ",
                       FormatBytes(kMemoryBytesMin), " and would be killed"),
          "raise it (MemoryMax=, --memory), or lower limits.max_in_flight_bytes and "
          "results.max_bytes to fit"};
}

}  // namespace weft::doctor
