#include "dispatch/task_times.h"

#include <algorithm>

namespace weft {

void SetTimes(const DoorTask& task, const Completion& ended, TaskResult* result,
              TimesVerdict* verdict) {
  *verdict = {};
  const sys::Ticks earliest_end = ended.has_begun() ? ended.started : task.submitted;
  if (ended.has_begun()) {
    verdict->clamped = ended.started < task.submitted;
    verdict->order_broken =
        ended.completed < ended.started || ended.suspended > ended.completed - ended.started;
    verdict->deadline_broken = ended.started > task.deadline;
  } else {
    verdict->clamped = ended.completed < task.submitted;
  }
  if (ended.state == TaskState::kExpired && ended.completed < task.deadline) {
    verdict->deadline_broken = true;
  }
  const sys::Ticks completed = std::max({ended.completed, earliest_end, task.submitted});
  result->submitted_at_ns = task.anchor.ToUnixNs(task.submitted);
  result->completed_at_ns = task.anchor.ToUnixNs(completed);
  result->total_latency_ns = result->completed_at_ns - result->submitted_at_ns;
  if (!ended.has_begun()) {
    result->queue_latency_ns = result->total_latency_ns;
    return;
  }
  result->started_at_ns = task.anchor.ToUnixNs(std::max(ended.started, task.submitted));
  result->queue_latency_ns = result->started_at_ns - result->submitted_at_ns;
  result->execution_latency_ns = result->completed_at_ns - result->started_at_ns;
  if (ended.suspended != 0) {
    result->suspended_ns = std::clamp(task.anchor.TicksToNs(ended.suspended), int64_t{0},
                                      result->execution_latency_ns);
  }
  if (const auto off_core_ns = ended.off_core.PartOf(result->execution_latency_ns)) [[unlikely]] {
    result->off_core_ns =
        std::min(*off_core_ns, result->execution_latency_ns - result->suspended_ns);
  }
}

}  // namespace weft
