#include "dispatch/admission.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dispatch/absent_core.h"
#include "dispatch/printable.h"
#include "dispatch/router.h"
#include "task/limits.h"

namespace weft {
namespace {

constexpr size_t kSmallAnswerBytes = 4 * 1024;
constexpr int64_t kShortestRetryNs = 1'000'000;
constexpr int64_t kLongestRetryNs = 1'000'000'000;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

std::string Field(std::string_view prefix, const char* name) {
  return absl::StrCat(Absl(prefix), ".", name);
}

}  // namespace

Admission::Admission(const DispatchOptions& options, std::vector<int> cpus,
                     const EntryLookup& lookup)
    : options_(options), cpus_(std::move(cpus)), lookup_(lookup) {}

std::optional<Refusal> Admission::CheckEach(const TaskSpec& spec, std::string_view field_prefix,
                                            Checked* checked) {
  if (draining_) {
    return Refusal{.reason = RefusalReason::kDraining,
                   .message = "the daemon is draining and takes no new tasks; try another one"};
  }
  if (last_entry_ != nullptr && last_entry_->name == spec.handler) {
    checked->entry = last_entry_;
  } else {
    if (auto refusal = CheckHandler(spec.handler, field_prefix, checked)) return refusal;
    last_entry_ = checked->entry;
  }
  if (spec.payload.size() > options_.max_payload_bytes) {
    return Refusal{
        .reason = RefusalReason::kPayloadTooLarge,
        .message = absl::StrCat(Field(field_prefix, "payload"), " has ", spec.payload.size(),
                                " bytes; at most ", options_.max_payload_bytes,
                                " are allowed (limits.max_payload_bytes)"),
        .field = Field(field_prefix, "payload"),
        .bound = "limits.max_payload_bytes"};
  }
  if (spec.timeout_ns < 0 || spec.timeout_ns > kMaxTimeoutNs) {
    return Refusal{
        .reason = RefusalReason::kInvalidField,
        .message = absl::StrCat(Field(field_prefix, "timeout_ns"), " is ", spec.timeout_ns,
                                "; allowed are 0 (none) to ", kMaxTimeoutNs, " (one day)"),
        .field = Field(field_prefix, "timeout_ns")};
  }
  if (!spec.affinity_key.empty()) return CheckAffinity(spec, field_prefix, checked);
  if (spec.cpu.has_value()) return CheckCpu(*spec.cpu, field_prefix, checked);
  return std::nullopt;
}

Refusal Admission::Paused(const TaskSpec& spec) {
  return {.reason = RefusalReason::kHandlerPaused,
          .message = absl::StrCat("the handler ", Quoted(spec.handler),
                                  " is paused and takes no tasks until ResumeHandler"),
          .retry_after_ns = kLongestRetryNs};
}

std::optional<Refusal> Admission::CheckHandler(std::string_view handler,
                                               std::string_view field_prefix,
                                               Checked* checked) const {
  checked->entry = lookup_.Find(handler);
  if (checked->entry != nullptr) return std::nullopt;
  const std::string field = Field(field_prefix, "handler");
  std::string message;
  if (handler.empty()) {
    message = absl::StrCat(field, " is empty; name one of the handlers that ListHandlers tells");
  } else {
    message = absl::StrCat(field, ": there is no handler ", Quoted(handler));
    const std::string_view nearest = lookup_.Nearest(handler);
    absl::StrAppend(&message, "; ",
                    nearest.empty() ? std::string("ListHandlers tells which there are")
                                    : absl::StrCat("did you mean \"", Absl(nearest), "\"?"));
  }
  return Refusal{.reason = RefusalReason::kUnknownHandler, .message = message, .field = field};
}

std::optional<Refusal> Admission::CheckCpu(uint32_t cpu, std::string_view field_prefix,
                                           Checked* checked) const {
  const auto found = std::find_if(cpus_.begin(), cpus_.end(), [cpu](int granted) {
    return granted >= 0 && static_cast<uint32_t>(granted) == cpu;
  });
  if (found != cpus_.end()) {
    checked->core = static_cast<uint32_t>(found - cpus_.begin());
    return std::nullopt;
  }
  return AbsentCore(Field(field_prefix, "core"), cpu, cpus_);
}

std::optional<Refusal> Admission::CheckAffinity(const TaskSpec& spec, std::string_view field_prefix,
                                                Checked* checked) const {
  const std::string field = Field(field_prefix, "affinity_key");
  if (spec.affinity_key.size() > kMaxAffinityKeyBytes) {
    return Refusal{
        .reason = RefusalReason::kInvalidField,
        .message = absl::StrCat(field, " has ", spec.affinity_key.size(), " bytes; at most ",
                                kMaxAffinityKeyBytes, " are allowed"),
        .field = field};
  }
  if (spec.cpu.has_value()) {
    return Refusal{.reason = RefusalReason::kInvalidField,
                   .message = absl::StrCat(field, " is given together with core ", *spec.cpu,
                                           "; give one of them, as each says which core it is"),
                   .field = field};
  }
  checked->core = static_cast<uint32_t>(AffinityCore(spec.affinity_key, cpus_.size()));
  return std::nullopt;
}

std::optional<Refusal> Admission::CheckFilter(const TaskFilter& filter) const {
  Checked checked;
  if (!filter.handler.empty()) {
    if (auto refusal = CheckHandler(filter.handler, "filter", &checked)) return refusal;
  }
  if (!filter.cpu.has_value() || filter.cpu == kPoolCpu) return std::nullopt;
  return CheckCpu(*filter.cpu, "filter", &checked);
}

std::optional<Refusal> Admission::CheckAnswer(size_t bytes, size_t in_flight_bytes) const {
  // One that would never fit alone is let through when nothing else is held; small ones always are,
  // because whoever fetches results relieves the daemon.
  if (in_flight_bytes == 0 || bytes <= kSmallAnswerBytes ||
      in_flight_bytes + bytes <= options_.max_in_flight_bytes) {
    return std::nullopt;
  }
  return Refusal{.reason = RefusalReason::kPayloadBytesFull,
                 .message = absl::StrCat("payloads in flight and answers not yet read hold ",
                                         in_flight_bytes, " bytes; with ", bytes,
                                         " more they would pass limits.max_in_flight_bytes (",
                                         options_.max_in_flight_bytes, ")"),
                 .bound = "limits.max_in_flight_bytes",
                 .retry_after_ns = kShortestRetryNs};
}

std::optional<Refusal> Admission::NoRoom(const TaskSpec& spec, uint32_t core_index,
                                         const CoreLoad& load, size_t in_flight_bytes) const {
  const auto retry_ns = [&load] { return RetryAfterNs(load.InFlight(), load.ended_per_second); };
  const size_t bytes = spec.payload.size() + spec.labels.size();
  if (bytes > options_.max_in_flight_bytes ||
      in_flight_bytes > options_.max_in_flight_bytes - bytes) {
    return Refusal{.reason = RefusalReason::kPayloadBytesFull,
                   .message = absl::StrCat("payloads in flight and answers not yet read hold ",
                                           in_flight_bytes, " bytes; with ", bytes,
                                           " more they would pass limits.max_in_flight_bytes (",
                                           options_.max_in_flight_bytes, ")"),
                   .bound = "limits.max_in_flight_bytes",
                   .retry_after_ns = retry_ns()};
  }
  const bool is_pool = core_index == cpus_.size();
  if (load.Queued(spec.priority) >= load.queue_depth_max) {
    return QueueFull(spec.priority, core_index, load);
  }
  if (load.slots_full && !is_pool && options_.executor_kind == ExecutorKind::kFallback) {
    return FallbackFull(core_index, retry_ns());
  }
  if (load.slots_full) {
    const std::string core =
        is_pool ? "the blocking pool" : absl::StrCat("core ", cpus_[core_index]);
    return Refusal{.reason = RefusalReason::kSlotsFull,
                   .message = absl::StrCat("every task slot of ", core,
                                           " holds a task that is not yet answered"),
                   .bound = absl::StrCat("task slots (", core, ")"),
                   .retry_after_ns = retry_ns()};
  }
  return std::nullopt;
}

Refusal Admission::FallbackFull(uint32_t core_index, int64_t retry_ns) const {
  return {.reason = RefusalReason::kSlotsFull,
          .message = absl::StrCat("the fallback executor of core ", cpus_[core_index], " holds ",
                                  kFallbackTasksMax, " tasks that are not yet answered, and takes ",
                                  "no more at once (executor.kind = \"fallback\")"),
          .bound = absl::StrCat("tasks of the fallback executor (core ", cpus_[core_index], ")"),
          .retry_after_ns = retry_ns};
}

Refusal Admission::QueueFull(Priority priority, uint32_t core_index, const CoreLoad& load) const {
  const absl::string_view level = Absl(PriorityName(priority));
  Refusal refusal;
  refusal.reason = RefusalReason::kQueueFull;
  refusal.retry_after_ns = RetryAfterNs(load.Queued(priority), load.ended_per_second);
  if (core_index == cpus_.size()) {
    refusal.bound = absl::StrCat("blocking.max_queue_depth (level ", level, ")");
    refusal.message =
        absl::StrCat("the ", level, " queue of the blocking pool is full: ", load.Queued(priority),
                     " of ", load.queue_depth_max, " (blocking.max_queue_depth)");
    return refusal;
  }
  const int cpu = cpus_[core_index];
  refusal.bound = absl::StrCat("executor.max_queue_depth (core ", cpu, ", level ", level, ")");
  refusal.message =
      absl::StrCat("the ", level, " queue of core ", cpu, " is full: ", load.Queued(priority),
                   " of ", load.queue_depth_max, " (executor.max_queue_depth)");
  return refusal;
}

Refusal Admission::WouldMissDeadline(uint32_t core_index, const LateStart& late) const {
  const int cpu = cpus_[core_index];
  const int64_t short_by_ns = late.predicted_start_ns - late.deadline_ns;
  return {.reason = RefusalReason::kWouldMissDeadline,
          .message = absl::StrCat("the task would start in ", Readable(late.predicted_start_ns),
                                  " on core ", cpu, ", after its deadline of ",
                                  Readable(late.deadline_ns), " (executor.deadline_policy)"),
          .bound = absl::StrCat("deadline (core ", cpu, ")"),
          .retry_after_ns = RetryAfterNs(static_cast<uint64_t>(std::max<int64_t>(short_by_ns, 0))),
          .late_start = late};
}

int64_t Admission::RetryAfterNs(uint64_t backlog, uint64_t ended_per_second) {
  if (ended_per_second == 0) return kLongestRetryNs;
  const double share = static_cast<double>(backlog) / 16.0;
  const double wait_ns = share * 1e9 / static_cast<double>(ended_per_second);
  if (wait_ns >= static_cast<double>(kLongestRetryNs)) return kLongestRetryNs;
  return RetryAfterNs(static_cast<uint64_t>(wait_ns));
}

int64_t Admission::RetryAfterNs(uint64_t wait_ns) {
  return static_cast<int64_t>(
      std::clamp(wait_ns, uint64_t{kShortestRetryNs}, uint64_t{kLongestRetryNs}));
}

}  // namespace weft
