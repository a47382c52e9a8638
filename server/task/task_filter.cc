#include "task/task_filter.h"

#include "task/labels.h"

namespace weft {

bool TaskFilter::Matches(const TaskSummary& task) const {
  return (states & Bit(task.result.state)) != 0 && (!cpu.has_value() || *cpu == task.result.cpu) &&
         (handler.empty() || handler == task.handler) &&
         (labels.empty() || HasLabels(task.labels, labels));
}

}  // namespace weft
