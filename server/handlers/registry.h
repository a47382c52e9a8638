#pragma once

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "executor/task_entry.h"
#include "handlers/handler.h"

namespace weft {

// All handlers by name. Filled before Start, then only read, so that lookups need no lock.
class HandlerRegistry {
 public:
  struct Row {
    std::unique_ptr<Handler> handler;
    TaskEntry entry;  // entry.index is the row's place in rows().
  };

  // Before Start only. InvalidArgument for a malformed name, AlreadyExists for one taken,
  // ResourceExhausted beyond kMaxHandlers.
  absl::Status Register(std::unique_ptr<Handler> handler);

  // Any thread. Null when there is none of that name.
  const TaskEntry* Find(std::string_view name) const;

  // The name most like this one, for "did you mean"; empty when none is near (edit distance > 2).
  std::string_view Nearest(std::string_view name) const;

  // In order of registration; addresses stay.
  const std::deque<Row>& rows() const { return rows_; }

 private:
  std::deque<Row> rows_;
  std::vector<const Row*> by_name_;  // Sorted.
};

}  // namespace weft
