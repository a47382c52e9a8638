#include "sys/topology.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "sys/fd.h"

namespace weft::sys {
namespace {

// The kernel refuses a mask smaller than its own with EINVAL, so the size grows until it fits.
constexpr int kCpuCountFirst = 1024;
constexpr int kCpuCountMax = 1 << 16;

// The list of a node's CPUs; 65,536 of them with every other missing would take more.
constexpr size_t kListBytesMax = 1 << 18;

struct CpuSetDeleter {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

bool Contains(absl::Span<const int> cpus, int cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

// ---- What the kernel tells of the machine. It is read here and not by hwloc: that costs 460 KB of
// ---- resident memory for good, and each CPU several files that nobody needs.

// Empty when it cannot be read.
std::string ReadText(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file.valid()) return text;
  std::array<char, 4096> part;
  while (text.size() < kListBytesMax) {
    const ssize_t count = ::read(file.get(), part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(part.data(), static_cast<size_t>(count));
  }
  return text;
}

std::optional<int> ReadNumber(const std::string& path) {
  int number = 0;
  if (!absl::SimpleAtoi(ReadText(path), &number)) return std::nullopt;
  return number;
}

// Of "0-3,8"; whatever is none of this is left out.
std::vector<int> ParseList(const std::string& text) {
  std::vector<int> numbers;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(part, absl::MaxSplits('-', 1));
    int first = 0;
    if (!absl::SimpleAtoi(ends.first, &first) || first < 0) continue;
    int last = first;
    if (!ends.second.empty() && !absl::SimpleAtoi(ends.second, &last)) continue;
    for (int number = first; number <= std::min(last, kCpuCountMax - 1); ++number) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

// By CPU. A kernel without NUMA has no such files, and then there is one node.
std::map<int, uint32_t> ReadNodes(const std::string& root, uint32_t* count) {
  const std::string folder = root + "/sys/devices/system/node/";
  std::map<int, uint32_t> node_of;
  const std::vector<int> nodes = ParseList(ReadText(folder + "online"));
  for (const int node : nodes) {
    for (const int cpu : ParseList(ReadText(absl::StrCat(folder, "node", node, "/cpulist")))) {
      node_of[cpu] = static_cast<uint32_t>(node);
    }
  }
  *count = static_cast<uint32_t>(std::max<size_t>(nodes.size(), 1));
  return node_of;
}

// Some machines number a package they know nothing of -1.
uint32_t NumberOr0(std::optional<int> number) {
  return static_cast<uint32_t>(std::max(number.value_or(0), 0));
}

// ---- The choice of cores.

std::vector<int> NumbersOf(absl::Span<const CpuPlace> places) {
  std::vector<int> cpus;
  cpus.reserve(places.size());
  for (const CpuPlace& place : places) cpus.push_back(place.cpu);
  return cpus;
}

uint32_t GroupOf(const CpuPlace& place, CpuName::Kind kind) {
  return kind == CpuName::Kind::kPackage ? place.package : place.numa_node;
}

// How many packages or nodes the allowed CPUs are in, and which: "2 packages: 0-1".
std::string GroupsText(CpuName::Kind kind, absl::Span<const CpuPlace> allowed) {
  std::vector<int> groups;
  for (const CpuPlace& place : allowed) groups.push_back(static_cast<int>(GroupOf(place, kind)));
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  const char* const word = kind == CpuName::Kind::kPackage ? "package" : "NUMA node";
  return absl::StrCat(groups.size(), " ", word, groups.size() == 1 ? "" : "s", ": ",
                      FormatCpus(groups));
}

absl::Status NotThere(const CpuName& name, absl::Span<const CpuPlace> allowed,
                      absl::Span<const int> group) {
  const std::string named = absl::StrCat("executor.cores names ", name.Text());
  if (group.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(named, ", but the CPUs this process may use, ",
                                                   FormatCpus(NumbersOf(allowed)), ", are in ",
                                                   GroupsText(name.kind, allowed)));
  }
  const std::string whole = CpuName{.kind = name.kind, .number = name.number}.Text();
  return absl::InvalidArgumentError(
      absl::StrCat(named, ", but of ", whole, " this process may use ", group.size(),
                   group.size() == 1 ? " CPU" : " CPUs", ", ", FormatCpus(group),
                   ", whose places are ", whole, ":0 to ", whole, ":", group.size() - 1));
}

// Adds the CPUs that one name stands for.
absl::Status AddNamed(const CpuName& name, absl::Span<const CpuPlace> allowed,
                      std::vector<int>* cores) {
  if (name.kind == CpuName::Kind::kCpu) {
    cores->push_back(static_cast<int>(name.number));
    if (Contains(NumbersOf(allowed), cores->back())) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("executor.cores names core ", name.number,
                                                   ", which this process may not use; allowed are ",
                                                   FormatCpus(NumbersOf(allowed))));
  }
  std::vector<int> group;
  for (const CpuPlace& place : allowed) {
    if (GroupOf(place, name.kind) == name.number) group.push_back(place.cpu);
  }
  if (group.size() <= name.place.value_or(0)) return NotThere(name, allowed, group);
  if (name.place.has_value()) group = {group[*name.place]};
  cores->insert(cores->end(), group.begin(), group.end());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int>> NamedCores(const std::vector<CpuName>& names,
                                            absl::Span<const CpuPlace> allowed) {
  if (names.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("executor.cores is empty; name at least one of the allowed CPUs ",
                     FormatCpus(NumbersOf(allowed)), ", or \"auto\""));
  }
  std::vector<int> cores;
  for (const CpuName& name : names) {
    if (absl::Status status = AddNamed(name, allowed, &cores); !status.ok()) return status;
  }
  for (auto core = cores.begin(); core != cores.end(); ++core) {
    if (std::find(cores.begin(), core, *core) == core) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("executor.cores names core ", *core, " twice; each core may stand once"));
  }
  return cores;
}

std::vector<int> AutoCores(absl::Span<const CpuPlace> allowed) {
  std::vector<int> cores = NumbersOf(allowed);
  if (cores.size() > 1) cores.erase(cores.begin());
  return cores;
}

}  // namespace

absl::StatusOr<std::vector<int>> AllowedCpus() {
  for (int count = kCpuCountFirst; count <= kCpuCountMax; count *= 2) {
    const std::unique_ptr<cpu_set_t, CpuSetDeleter> set(CPU_ALLOC(static_cast<size_t>(count)));
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(count));
    CPU_ZERO_S(bytes, set.get());
    if (::sched_getaffinity(0, bytes, set.get()) != 0) {
      if (errno == EINVAL) continue;
      return absl::ErrnoToStatus(errno, "sched_getaffinity");
    }
    std::vector<int> cpus;
    for (int cpu = 0; cpu < count; ++cpu) {
      if (CPU_ISSET_S(static_cast<size_t>(cpu), bytes, set.get())) cpus.push_back(cpu);
    }
    return cpus;
  }
  return absl::InternalError(
      absl::StrCat("sched_getaffinity: the kernel's mask is wider than ", kCpuCountMax, " CPUs"));
}

const CpuPlace* Topology::Find(int cpu) const {
  const auto found = std::find_if(cpus.begin(), cpus.end(),
                                  [cpu](const CpuPlace& place) { return place.cpu == cpu; });
  return found == cpus.end() ? nullptr : &*found;
}

Topology ReadTopology(absl::Span<const int> cpus, const std::string& root) {
  Topology topology;
  const std::map<int, uint32_t> node_of = ReadNodes(root, &topology.node_count);
  for (const int cpu : cpus) {
    const std::string folder = absl::StrCat(root, "/sys/devices/system/cpu/cpu", cpu, "/topology/");
    const std::string package_file = folder + "physical_package_id";
    const std::optional<int> package = ReadNumber(package_file);
    if (!package.has_value() && topology.untold.empty()) topology.untold = package_file;
    const auto node = node_of.find(cpu);
    topology.cpus.push_back({.cpu = cpu,
                             .package = NumberOr0(package),
                             .numa_node = node == node_of.end() ? 0 : node->second,
                             .core = NumberOr0(ReadNumber(folder + "core_id"))});
  }
  return topology;
}

absl::StatusOr<std::vector<int>> ChooseCores(const CoreRequest& request,
                                             absl::Span<const CpuPlace> allowed) {
  if (allowed.empty()) return absl::InvalidArgumentError("this process is allowed no CPU at all");
  absl::StatusOr<std::vector<int>> cores = AutoCores(allowed);
  if (request.cores.has_value()) cores = NamedCores(*request.cores, allowed);
  if (!cores.ok()) return cores;
  if (request.worker_threads < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("executor.worker_threads = ", request.worker_threads,
                     "; it must be 0 (all cores) or more"));
  }
  const auto wanted = static_cast<size_t>(request.worker_threads);
  if (wanted > cores->size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "executor.worker_threads = ", wanted, ", but executor.cores ",
        request.cores.has_value() ? "names" : "= \"auto\" gives", " only ", cores->size(),
        " of the allowed CPUs ", FormatCpus(NumbersOf(allowed)), "; use at most ", cores->size()));
  }
  if (wanted > 0) cores->resize(wanted);
  if (cores->size() <= request.most) return cores;
  if (request.cores.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "executor.cores names ", cores->size(), " CPUs, but there may be ", request.most,
        " cores; name fewer, or set executor.worker_threads = ", request.most));
  }
  cores->resize(request.most);
  return cores;
}

std::vector<int> FrontCpus(absl::Span<const int> allowed, const std::vector<int>& cores) {
  std::vector<int> front;
  for (const int cpu : allowed) {
    if (!Contains(cores, cpu)) front.push_back(cpu);
  }
  if (front.empty()) front.assign(allowed.begin(), allowed.end());
  return front;
}

std::string FormatCpus(absl::Span<const int> cpus) {
  std::string text;
  for (size_t first = 0; first < cpus.size();) {
    size_t last = first;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    absl::StrAppend(&text, text.empty() ? "" : ",", cpus[first]);
    if (last > first) absl::StrAppend(&text, "-", cpus[last]);
    first = last + 1;
  }
  return text;
}

std::string FormatPlaces(absl::Span<const CpuPlace> places) {
  struct Group {
    uint32_t package;
    uint32_t numa_node;
    std::vector<int> cpus;
  };
  std::vector<Group> groups;
  for (const CpuPlace& place : places) {
    auto group = std::find_if(groups.begin(), groups.end(), [&place](const Group& other) {
      return other.package == place.package && other.numa_node == place.numa_node;
    });
    if (group == groups.end()) {
      group = groups.insert(groups.end(), {place.package, place.numa_node, {}});
    }
    group->cpus.push_back(place.cpu);
  }
  std::string text;
  for (Group& group : groups) {
    std::sort(group.cpus.begin(), group.cpus.end());
    absl::StrAppend(&text, text.empty() ? "" : " ", "p", group.package, "n", group.numa_node, ":",
                    FormatCpus(group.cpus));
  }
  return text;
}

}  // namespace weft::sys
