#include "wire/filter_wire.h"

#include "wire/labels_wire.h"

namespace weft {
namespace {

Refusal UnknownState(std::string_view path, int index, int state) {
  Refusal refusal;
  refusal.reason = RefusalReason::kInvalidField;
  refusal.field.append(path).append(".states[").append(std::to_string(index)).append("]");
  refusal.message = refusal.field + " is " + std::to_string(state) +
                    "; 1 (queued) to 7 (expired) are known, and no state at all means every one";
  return refusal;
}

}  // namespace

std::optional<Refusal> ReadTaskFilter(const v1::TaskFilter& message, std::string_view path,
                                      std::string* labels, TaskFilter* filter) {
  *filter = TaskFilter();
  if (message.states_size() > 0) filter->states = 0;
  for (int i = 0; i < message.states_size(); ++i) {
    const int state = message.states(i);
    if (state < v1::TASK_STATE_QUEUED || state > v1::TASK_STATE_EXPIRED) {
      return UnknownState(path, i, state);
    }
    filter->states |= TaskFilter::Bit(static_cast<TaskState>(state - v1::TASK_STATE_QUEUED));
  }
  filter->handler = message.handler();
  if (message.has_core()) filter->cpu = message.core();
  if (auto refusal = ReadLabels(message.labels(), std::string(path) + ".labels", labels)) {
    return refusal;
  }
  filter->labels = *labels;
  return std::nullopt;
}

}  // namespace weft
