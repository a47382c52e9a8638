#include "task/task_id.h"

#include <charconv>

namespace weft {

std::optional<TaskId> ParseTaskId(std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value == 0) return std::nullopt;
  return TaskId(value);
}

}  // namespace weft
