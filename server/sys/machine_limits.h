#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::sys {

// What this process is granted beside its CPUs. Absent: no limit, or it could not be read.
struct MachineLimits {
  std::optional<uint64_t> open_files;         // RLIMIT_NOFILE, soft.
  std::optional<uint64_t> memory_bytes;       // The least of its cgroup and those above.
  std::optional<double> cpus;                 // CPU time a second by quota, the least likewise.
  std::optional<uint64_t> memory_mappings;    // vm.max_map_count
  std::optional<uint64_t> threads;            // The least of its cgroups' pids.max, RLIMIT_NPROC.
  std::optional<uint64_t> locked_bytes;       // RLIMIT_MEMLOCK, soft.
  std::optional<uint64_t> realtime_priority;  // RLIMIT_RTPRIO, soft.
  bool has_guard_markers = false;             // A guarded page takes no mapping of its own.
};

// Reads resource limits, and files below root, "" for the machine's own. Blocks on these files.
MachineLimits ReadMachineLimits(const std::string& root);

// Lifts the soft limit of open files to the hard one: the soft one of 1024 is for programs that use
// select, and none is used here. Before Start only.
void RaiseOpenFiles();

// Of cgroup.max files of both versions: nullopt for "max", "-1" and text that is no number.
std::optional<uint64_t> ParseLimit(std::string_view text);

}  // namespace weft::sys
