#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "sys/options.h"

namespace weft::sys {

// The CPUs this process may run on, ascending, as the kernel grants them (cpuset and mask applied).
// Any thread, but a pinned thread sees its own mask: ask before pinning.
absl::StatusOr<std::vector<int>> AllowedCpus();

// A CPU and where it sits. All are the kernel's numbers, which may have gaps; 0 what the machine
// does not tell.
struct CpuPlace {
  int cpu = 0;
  uint32_t package = 0;
  uint32_t numa_node = 0;
  uint32_t core = 0;  // Within its package. CPUs with the same one are threads of it.

  bool operator==(const CpuPlace&) const = default;
};

// Where CPUs sit.
struct Topology {
  std::vector<CpuPlace> cpus;  // As they were asked for.
  uint32_t node_count = 1;     // NUMA nodes of the machine, also those without any of `cpus`.
  std::string untold;          // The first file that did not tell a package; empty: all did.

  // Null: it was not asked for.
  const CpuPlace* Find(int cpu) const;
};

// Of these CPUs, one place for each whatever can be read. Reads files below root, "" for the
// machine's own; blocks on them, some ten microseconds a CPU.
Topology ReadTopology(absl::Span<const int> cpus, const std::string& root = "");

// What the operator asked for.
struct CoreRequest {
  // `executor.cores`: nullopt is "auto".
  std::optional<std::vector<CpuName>> cores;
  // `executor.worker_threads`: 0 means as many as there are cores.
  int worker_threads = 0;
  // How many cores there may be at all; auto takes no more.
  size_t most = SIZE_MAX;
};

// The CPUs that get an executor core each, in the order of the request (auto, and those of one
// package or node: ascending). Auto is `allowed` without its lowest CPU, which is left to the Door;
// a single allowed CPU is shared. allowed: ascending. Pure. INVALID_ARGUMENT names the key, the
// wrong value and what is right: an empty list, a CPU, package or node that is not among the
// allowed ones, a place beyond a package's or node's last, a CPU named twice, a negative
// worker_threads or one above the number of cores, more cores than there may be.
absl::StatusOr<std::vector<int>> ChooseCores(const CoreRequest& request,
                                             absl::Span<const CpuPlace> allowed);

// Where the Door and gRPC's threads belong: `allowed` without `cores`; all of `allowed` when
// nothing would remain, so that the Door then shares its CPU with a core.
std::vector<int> FrontCpus(absl::Span<const int> allowed, const std::vector<int>& cores);

// "0-3,6": as taskset and the kernel write it. `cpus` ascending.
std::string FormatCpus(absl::Span<const int> cpus);

// "p0n0:1-3 p1n1:8-11": package, node and CPUs of each group, in the order of the first of each.
std::string FormatPlaces(absl::Span<const CpuPlace> places);

}  // namespace weft::sys
