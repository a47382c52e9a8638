#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/doctor/check.h"
#include "client/doctor/machine_root.h"

// What executor.realtime and executor.lock_memory need of the system. The limits and capabilities
// are those of this process, as in limits.h; what is asked for is what the service's own file and
// this environment say. Main thread only.
namespace weft::doctor {

struct GrantReading {
  std::string realtime_asked_by;             // Where executor.realtime is true; empty: nowhere.
  std::string lock_asked_by;                 // Where executor.lock_memory is.
  std::optional<int64_t> realtime_priority;  // Soft limits; kUnlimited, absent: cannot be read.
  std::optional<int64_t> locked_bytes;
  bool has_sys_nice = false;  // Capabilities in effect, which the limits do not bind.
  bool has_ipc_lock = false;
};

[[nodiscard]] GrantReading ReadGrants(const MachineRoot& root);
// Warnings only of what is asked for and would not be granted.
[[nodiscard]] Check JudgeRealtime(const GrantReading& reading);
[[nodiscard]] Check JudgeMemoryLock(const GrantReading& reading);

}  // namespace weft::doctor
