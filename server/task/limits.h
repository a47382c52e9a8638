#pragma once

#include <cstddef>
#include <cstdint>

#include "task/task_id.h"

namespace weft {

// Bounds fixed when weft is built; the configured ones are in the options.h files.
inline constexpr size_t kMaxHandlerNameBytes = 64;
inline constexpr size_t kMaxErrorMessageBytes = 1024;
inline constexpr size_t kMaxRows = 1024;  // Specs in one StreamTasks or SubmitTasks message.
inline constexpr size_t kMaxAffinityKeyBytes = 128;
inline constexpr size_t kMaxLabels = 16;  // Of one task, and of one filter.
inline constexpr size_t kMaxLabelKeyBytes = 63;
inline constexpr size_t kMaxLabelValueBytes = 128;
inline constexpr size_t kMaxLabelsBytes =  // As task/labels.h writes them.
    kMaxLabels * (1 + kMaxLabelKeyBytes + 1 + kMaxLabelValueBytes);
inline constexpr size_t kMaxCores = 255;  // A TaskId has 8 bits for the core, or the pool.
static_assert(kMaxCores + 1 <= size_t{1} << (64 - TaskId::kSerialBits));
// What stands for the blocking pool where the CPU number of a core is told.
inline constexpr uint32_t kPoolCpu = UINT32_MAX;
inline constexpr size_t kMaxHandlers = 256;
inline constexpr int64_t kMaxTimeoutNs = 86'400'000'000'000;  // One day.

}  // namespace weft
