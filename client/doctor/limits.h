#pragma once

#include <cstdint>
#include <optional>

#include "client/doctor/check.h"
#include "client/doctor/machine_root.h"

// The limits of this process, as granted. weftd's are the same when it is started from the same
// place, as a service or container they are what that grants. Main thread only.
namespace weft::doctor {

inline constexpr int64_t kUnlimited = INT64_MAX;

// kUnlimited or what the kernel grants; absent when it cannot be read.
struct LimitReading {
  std::optional<int64_t> soft;
  std::optional<int64_t> hard;
};

[[nodiscard]] LimitReading ReadLockedMemory(const MachineRoot& root);
[[nodiscard]] Check JudgeLockedMemory(const LimitReading& reading);

[[nodiscard]] LimitReading ReadRealtimePriority(const MachineRoot& root);

[[nodiscard]] LimitReading ReadOpenFiles(const MachineRoot& root);
[[nodiscard]] Check JudgeOpenFiles(const LimitReading& reading);

}  // namespace weft::doctor
