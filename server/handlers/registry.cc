#include "handlers/registry.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "task/limits.h"

namespace weft {
namespace {

constexpr size_t kNearDistance = 2;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool IsWellFormed(std::string_view name) {
  return !name.empty() && name.size() <= kMaxHandlerNameBytes &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

TaskOutcome RunHandler(void* state, TaskContext& context) {
  return static_cast<Handler*>(state)->Run(context);
}

struct LessByName {
  bool operator()(const HandlerRegistry::Row* row, std::string_view name) const {
    return row->handler->name() < name;
  }
};

// The number of single-character insertions, removals and replacements between the two names,
// both at most kMaxHandlerNameBytes long.
size_t EditDistance(std::string_view from, std::string_view to) {
  std::array<size_t, kMaxHandlerNameBytes + 1> row{};
  for (size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); ++j) {
      const size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[to.size()];
}

}  // namespace

absl::Status HandlerRegistry::Register(std::unique_ptr<Handler> handler) {
  const std::string_view name = handler->name();
  if (!IsWellFormed(name)) {
    return absl::InvalidArgumentError(absl::StrCat("handler name \"", std::string(name),
                                                   "\" is malformed: 1 to ", kMaxHandlerNameBytes,
                                                   " characters of [a-z0-9._-] are allowed"));
  }
  if (Find(name) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat("handler name \"", std::string(name), "\" is registered already"));
  }
  if (rows_.size() >= kMaxHandlers) {
    return absl::ResourceExhaustedError(absl::StrCat("handler \"", std::string(name),
                                                     "\" is one too many: at most ", kMaxHandlers,
                                                     " can be registered"));
  }
  TaskEntry entry;
  entry.run = &RunHandler;
  entry.state = handler.get();
  entry.index = static_cast<uint16_t>(rows_.size());
  entry.never_suspends = handler->never_suspends();
  entry.blocking = handler->blocking();
  entry.pooled.Set(entry.blocking);
  entry.name = name;
  const Row& row = rows_.emplace_back(Row{std::move(handler), entry});
  by_name_.insert(std::lower_bound(by_name_.begin(), by_name_.end(), name, LessByName()), &row);
  return absl::OkStatus();
}

const TaskEntry* HandlerRegistry::Find(std::string_view name) const {
  const auto it = std::lower_bound(by_name_.begin(), by_name_.end(), name, LessByName());
  if (it == by_name_.end() || (*it)->handler->name() != name) return nullptr;
  return &(*it)->entry;
}

std::string_view HandlerRegistry::Nearest(std::string_view name) const {
  if (name.size() > kMaxHandlerNameBytes) return {};
  std::string_view nearest;
  size_t nearest_distance = kNearDistance + 1;
  for (const Row* row : by_name_) {
    const size_t distance = EditDistance(name, row->handler->name());
    if (distance < nearest_distance) {
      nearest = row->handler->name();
      nearest_distance = distance;
    }
  }
  return nearest;
}

}  // namespace weft
