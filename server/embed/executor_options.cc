#include "embed/executor_options.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weft {
namespace {

constexpr uint32_t kMostTasks = 1'000'000;
constexpr size_t kLeastStackBytes = size_t{16} << 10;
constexpr size_t kMostStackBytes = size_t{64} << 20;
// As of weftd's keys of those names.
constexpr uint32_t kLeastRingEntries = 8;
constexpr uint32_t kMostRingEntries = 4096;
constexpr uint32_t kMostIoThreads = 256;

absl::Status CheckRange(absl::string_view field, uint64_t value, uint64_t least, uint64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", value, " is not right, expected ", least, " to ", most));
}

}  // namespace

absl::Status CheckExecutorOptions(const ExecutorOptions& options) {
  for (const absl::Status& status : {
           CheckRange("tasks", options.tasks, 1, kMostTasks),
           CheckRange("remote_tasks", options.remote_tasks, 1, kMostTasks),
           CheckRange("stacks", options.stacks, 1, kMostTasks),
           CheckRange("stack_bytes", options.stack_bytes, kLeastStackBytes, kMostStackBytes),
           CheckRange("io.ring_entries", options.io.ring_entries, kLeastRingEntries,
                      kMostRingEntries),
           CheckRange("io.threads", options.io.threads, 1, kMostIoThreads),
       }) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

CoreOptions CoreOptionsOf(const ExecutorOptions& options) {
  CoreOptions core;
  core.idle = options.idle;
  core.stacks = options.stacks;
  core.stacks_kept = options.stacks;
  core.stack_bytes = options.stack_bytes;
  core.timing_metrics = options.timing;
  core.local_slots = options.tasks;
  core.remote_slots = options.remote_tasks;
  // Spawns of others are all that comes in; nothing goes out, as nobody is told of their ends.
  core.inbox_capacity = std::max<size_t>(2, std::bit_ceil(options.remote_tasks));
  core.outbox_capacity = 2;
  core.max_queue_depth = 1;
  return core;
}

}  // namespace weft
