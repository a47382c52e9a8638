#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/core_load.h"
#include "dispatch/entry_lookup.h"
#include "dispatch/options.h"
#include "task/limits.h"
#include "task/refusal.h"
#include "task/task_filter.h"
#include "task/task_spec.h"

namespace weft {

// The yes or no to one task. Looks at the request first, then at the bounds, in a fixed order:
// draining, handler, payload, timeout, cpu or affinity key; payload bytes in flight, queue depth,
// slots; whether it could start in time the Dispatcher asks last. Changes nothing. Owned by the
// Dispatcher. Door thread only.
class Admission {
 public:
  // What a sound request comes to.
  struct Checked {
    const TaskEntry* entry = nullptr;
    std::optional<uint32_t> core;  // Index of the core it named, itself or by its affinity key.
  };

  // cpus: the CPU number of each core by index. lookup outlives the admission.
  Admission(const DispatchOptions& options, std::vector<int> cpus, const EntryLookup& lookup);

  // From now on everything is refused with kDraining.
  void BeginDrain() { draining_ = true; }
  bool draining() const { return draining_; }

  // From now on.
  void set_max_in_flight_bytes(size_t bytes) { options_.max_in_flight_bytes = bytes; }

  // field_prefix: where the spec stands in the request, "spec" or "specs[3]".
  std::optional<Refusal> CheckSpec(const TaskSpec& spec, std::string_view field_prefix,
                                   Checked* checked) {
    if (!IsPlain(spec)) [[unlikely]]
      return CheckEach(spec, field_prefix, checked);
    checked->entry = last_entry_;
    return std::nullopt;
  }
  // True: CheckSpec would say yes, and no core was named. False: ask that.
  bool CheckPlain(const TaskSpec& spec, Checked* checked) const {
    checked->entry = last_entry_;
    return IsPlain(spec);
  }
  // The answer to a sound request whose handler is paused.
  static Refusal Paused(const TaskSpec& spec);
  // core_index: where the task would go, beyond the last core: the blocking pool; in_flight_bytes:
  // payloads and labels of all tasks not yet ended, and answers that clients have not read.
  std::optional<Refusal> CheckBounds(const TaskSpec& spec, uint32_t core_index,
                                     const CoreLoad& load, size_t in_flight_bytes) const {
    const size_t bytes = spec.payload.size() + spec.labels.size();
    if (load.HasRoom(spec.priority) && bytes <= options_.max_in_flight_bytes &&
        in_flight_bytes <= options_.max_in_flight_bytes - bytes) [[likely]] {
      return std::nullopt;
    }
    return NoRoom(spec, core_index, load, in_flight_bytes);
  }

  // True: CheckBounds would let pass as many tasks in a row, but for the slots.
  bool HasRoom(Priority priority, size_t count, size_t bytes, const CoreLoad& load,
               size_t in_flight_bytes) const {
    return load.Queued(priority) + count <= load.queue_depth_max &&
           bytes <= options_.max_payload_bytes &&
           in_flight_bytes + bytes <= options_.max_in_flight_bytes;
  }

  // The answer to a task that is expected to start too late; core_index: where that is soonest.
  Refusal WouldMissDeadline(uint32_t core_index, const LateStart& late) const;

  // An answer of so many bytes is about to be held, too.
  std::optional<Refusal> CheckAnswer(size_t bytes, size_t in_flight_bytes) const;

  // A listing or a watch of tasks whose handler or core there is not finds nothing, ever.
  std::optional<Refusal> CheckFilter(const TaskFilter& filter) const;

  // When something that is full may have room again at that rate: the time in which a sixteenth of
  // backlog goes, but 1 ms to 1 s.
  static int64_t RetryAfterNs(uint64_t backlog, uint64_t ended_per_second);
  // The same for a wait that is known.
  static int64_t RetryAfterNs(uint64_t wait_ns);

 private:
  // Whether it is as most are: sound, of the handler that the one before named, for any core.
  bool IsPlain(const TaskSpec& spec) const {
    return last_entry_ != nullptr && spec.handler.size() == last_entry_->name.size() &&
           std::memcmp(spec.handler.data(), last_entry_->name.data(), spec.handler.size()) == 0 &&
           spec.payload.size() <= options_.max_payload_bytes && spec.timeout_ns >= 0 &&
           spec.timeout_ns <= kMaxTimeoutNs && spec.affinity_key.empty() && !spec.cpu.has_value() &&
           !draining_;
  }
  // Out of line, so that what most tasks take stays small.
  [[gnu::noinline]] std::optional<Refusal> CheckEach(const TaskSpec& spec,
                                                     std::string_view field_prefix,
                                                     Checked* checked);
  [[gnu::noinline]] std::optional<Refusal> NoRoom(const TaskSpec& spec, uint32_t core_index,
                                                  const CoreLoad& load,
                                                  size_t in_flight_bytes) const;
  Refusal FallbackFull(uint32_t core_index, int64_t retry_ns) const;
  Refusal QueueFull(Priority priority, uint32_t core_index, const CoreLoad& load) const;
  std::optional<Refusal> CheckHandler(std::string_view handler, std::string_view field_prefix,
                                      Checked* checked) const;
  std::optional<Refusal> CheckCpu(uint32_t cpu, std::string_view field_prefix,
                                  Checked* checked) const;
  std::optional<Refusal> CheckAffinity(const TaskSpec& spec, std::string_view field_prefix,
                                       Checked* checked) const;

  DispatchOptions options_;
  std::vector<int> cpus_;
  const EntryLookup& lookup_;
  const TaskEntry* last_entry_ = nullptr;  // That was found; the next task is often of the same.
  bool draining_ = false;
};

}  // namespace weft
