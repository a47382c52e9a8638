#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace weft::sys {

// The CPUs this process may run on, ascending, as the kernel grants them (cpuset and mask applied).
// Any thread, but a pinned thread sees its own mask: ask before pinning.
absl::StatusOr<std::vector<int>> AllowedCpus();

// What the operator asked for.
struct CoreRequest {
  // `executor.cores`: nullopt is "auto".
  std::optional<std::vector<int>> cores;
  // `executor.worker_threads`: 0 means as many as there are cores.
  int worker_threads = 0;
};

// The CPUs that get an executor core each, in the order of the request (auto: ascending). Auto is
// `allowed` without its lowest CPU, which is left to the Door; a single allowed CPU is shared.
// Pure. INVALID_ARGUMENT names the key, the wrong value and what is right: an empty list, a CPU not
// allowed, a CPU named twice, a negative worker_threads or one above the number of cores.
absl::StatusOr<std::vector<int>> ChooseCores(const CoreRequest& request,
                                             absl::Span<const int> allowed);

// Where the Door and gRPC's threads belong: `allowed` without `cores`; all of `allowed` when
// nothing would remain, so that the Door then shares its CPU with a core.
std::vector<int> FrontCpus(absl::Span<const int> allowed, const std::vector<int>& cores);

// Where a CPU sits; 0 what the machine does not tell.
struct CpuPlace {
  uint32_t numa_node = 0;
  uint32_t package = 0;
};

// Of each of `cpus`, in their order. Reads the machine's topology: some milliseconds.
std::vector<CpuPlace> CpuPlaces(absl::Span<const int> cpus);

// "0-3,6": as taskset and the kernel write it. `cpus` ascending.
std::string FormatCpus(absl::Span<const int> cpus);

}  // namespace weft::sys
