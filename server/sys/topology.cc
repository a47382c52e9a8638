#include "sys/topology.h"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/str_cat.h"

namespace weft::sys {
namespace {

// The kernel refuses a mask smaller than its own with EINVAL, so the size grows until it fits.
constexpr int kCpuCountFirst = 1024;
constexpr int kCpuCountMax = 1 << 16;

struct CpuSetDeleter {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

bool Contains(absl::Span<const int> cpus, int cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

struct TopologyDeleter {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using TopologyPtr = std::unique_ptr<hwloc_topology, TopologyDeleter>;

// With packages and NUMA nodes only: caches and devices are most of what a full one costs. Null
// when the machine tells nothing.
TopologyPtr LoadTopology() {
  hwloc_topology_t made = nullptr;
  if (hwloc_topology_init(&made) != 0) return nullptr;
  TopologyPtr topology(made);
  hwloc_topology_set_all_types_filter(made, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_type_filter(made, HWLOC_OBJ_PACKAGE, HWLOC_TYPE_FILTER_KEEP_ALL);
  return hwloc_topology_load(made) == 0 ? std::move(topology) : nullptr;
}

CpuPlace PlaceOf(hwloc_topology_t topology, int cpu) {
  CpuPlace place;
  const hwloc_obj_t unit = hwloc_get_pu_obj_by_os_index(topology, static_cast<unsigned>(cpu));
  if (unit == nullptr) return place;
  const int node = unit->nodeset == nullptr ? -1 : hwloc_bitmap_first(unit->nodeset);
  if (node >= 0) place.numa_node = static_cast<uint32_t>(node);
  const hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, unit);
  const bool is_numbered = package != nullptr && package->os_index != HWLOC_UNKNOWN_INDEX;
  if (is_numbered) place.package = package->os_index;
  return place;
}

std::vector<int> AutoCores(absl::Span<const int> allowed) {
  if (allowed.size() <= 1) return {allowed.begin(), allowed.end()};
  return {allowed.begin() + 1, allowed.end()};
}

absl::Status CheckList(const std::vector<int>& cores, absl::Span<const int> allowed) {
  if (cores.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("executor.cores is empty; name at least one of the allowed CPUs ",
                     FormatCpus(allowed), ", or \"auto\""));
  }
  for (auto core = cores.begin(); core != cores.end(); ++core) {
    if (!Contains(allowed, *core)) {
      return absl::InvalidArgumentError(
          absl::StrCat("executor.cores names core ", *core,
                       ", which this process may not use; allowed are ", FormatCpus(allowed)));
    }
    if (std::find(cores.begin(), core, *core) != core) {
      return absl::InvalidArgumentError(
          absl::StrCat("executor.cores names core ", *core, " twice; each core may stand once"));
    }
  }
  return absl::OkStatus();
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

absl::StatusOr<std::vector<int>> ChooseCores(const CoreRequest& request,
                                             absl::Span<const int> allowed) {
  if (allowed.empty()) return absl::InvalidArgumentError("this process is allowed no CPU at all");
  if (request.cores.has_value()) {
    if (absl::Status status = CheckList(*request.cores, allowed); !status.ok()) return status;
  }
  std::vector<int> cores = request.cores.has_value() ? *request.cores : AutoCores(allowed);
  if (request.worker_threads < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("executor.worker_threads = ", request.worker_threads,
                     "; it must be 0 (all cores) or more"));
  }
  const auto wanted = static_cast<size_t>(request.worker_threads);
  if (wanted > cores.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "executor.worker_threads = ", wanted, ", but executor.cores ",
        request.cores.has_value() ? "names" : "= \"auto\" gives", " only ", cores.size(),
        " of the allowed CPUs ", FormatCpus(allowed), "; use at most ", cores.size()));
  }
  if (wanted > 0) cores.resize(wanted);
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

std::vector<CpuPlace> CpuPlaces(absl::Span<const int> cpus) {
  std::vector<CpuPlace> places(cpus.size());
  const TopologyPtr topology = LoadTopology();
  if (topology == nullptr) return places;
  for (size_t i = 0; i < cpus.size(); ++i) places[i] = PlaceOf(topology.get(), cpus[i]);
  return places;
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

}  // namespace weft::sys
