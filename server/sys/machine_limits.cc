#include "sys/machine_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "sys/memory.h"

namespace weft::sys {
namespace {

// cgroup v1 writes the largest multiple of a page for no limit.
constexpr uint64_t kNoLimit = uint64_t{1} << 62;

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<uint64_t> ResourceLimit(__rlimit_resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

template <class Number>
void Lower(std::optional<Number>* least, std::optional<Number> value) {
  if (value.has_value() && (!least->has_value() || *value < **least)) *least = value;
}

// CPUs by "QUOTA PERIOD" of version 2, or the two numbers of version 1.
std::optional<double> Cpus(std::string_view quota, std::string_view period) {
  const std::optional<uint64_t> granted = ParseLimit(quota);
  const std::optional<uint64_t> out_of = ParseLimit(period);
  if (!granted.has_value() || out_of.value_or(0) == 0) return std::nullopt;
  return static_cast<double>(*granted) / static_cast<double>(*out_of);
}

void ReadUnified(const std::string& folder, MachineLimits* limits) {
  Lower(&limits->memory_bytes, ParseLimit(ReadText(folder + "/memory.max")));
  Lower(&limits->threads, ParseLimit(ReadText(folder + "/pids.max")));
  const std::string text = ReadText(folder + "/cpu.max");
  const size_t space = std::min(text.find(' '), text.size());
  Lower(&limits->cpus, Cpus(text.substr(0, space), text.substr(std::min(space + 1, text.size()))));
}

void ReadLegacyMemory(const std::string& folder, MachineLimits* limits) {
  Lower(&limits->memory_bytes, ParseLimit(ReadText(folder + "/memory.limit_in_bytes")));
}

void ReadLegacyThreads(const std::string& folder, MachineLimits* limits) {
  Lower(&limits->threads, ParseLimit(ReadText(folder + "/pids.max")));
}

void ReadLegacyCpu(const std::string& folder, MachineLimits* limits) {
  Lower(&limits->cpus,
        Cpus(ReadText(folder + "/cpu.cfs_quota_us"), ReadText(folder + "/cpu.cfs_period_us")));
}

// From the cgroup up to the mount, which is all there is to see inside a container.
void ReadUpwards(const std::string& mount, std::string path, MachineLimits* limits,
                 void (*read)(const std::string&, MachineLimits*)) {
  while (!path.empty() && path != "/") {
    read(mount + path, limits);
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  read(mount, limits);
}

// One line of /proc/self/cgroup: "0::/PATH", or "7:cpu,cpuacct:/PATH".
void ReadCgroup(const std::string& root, const std::string& line, MachineLimits* limits) {
  const size_t first = line.find(':');
  const size_t second = line.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) return;
  const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
  const std::string path = line.substr(second + 1);
  const std::string mount = root + "/sys/fs/cgroup";
  if (controllers == ",,") ReadUpwards(mount, path, limits, ReadUnified);
  if (controllers.find(",memory,") != std::string::npos) {
    ReadUpwards(mount + "/memory", path, limits, ReadLegacyMemory);
  }
  if (controllers.find(",pids,") != std::string::npos) {
    ReadUpwards(mount + "/pids", path, limits, ReadLegacyThreads);
  }
  if (controllers.find(",cpu,") != std::string::npos) {
    ReadUpwards(mount + "/cpu", path, limits, ReadLegacyCpu);
  }
}

}  // namespace

std::optional<uint64_t> ParseLimit(std::string_view text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || (rest != end && *rest != '\n') || value >= kNoLimit) {
    return std::nullopt;
  }
  return value;
}

void RaiseOpenFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

MachineLimits ReadMachineLimits(const std::string& root) {
  MachineLimits limits;
  limits.open_files = ResourceLimit(RLIMIT_NOFILE);
  limits.threads = ResourceLimit(RLIMIT_NPROC);
  limits.locked_bytes = ResourceLimit(RLIMIT_MEMLOCK);
  limits.realtime_priority = ResourceLimit(RLIMIT_RTPRIO);
  limits.memory_mappings = ParseLimit(ReadText(root + "/proc/sys/vm/max_map_count"));
  limits.has_guard_markers = HasGuardMarkers();
  std::istringstream cgroups(ReadText(root + "/proc/self/cgroup"));
  for (std::string line; std::getline(cgroups, line);) ReadCgroup(root, line, &limits);
  return limits;
}

}  // namespace weft::sys
