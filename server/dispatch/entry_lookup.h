#pragma once

#include <string_view>

#include "executor/task_entry.h"

namespace weft {

// How the Dispatcher finds the code of a handler; daemon gives it the handlers' registry. Outlives
// the Dispatcher. Door thread only.
class EntryLookup {
 public:
  virtual ~EntryLookup() = default;
  // Null: there is none of that name. An entry that was found stays what its name means.
  virtual const TaskEntry* Find(std::string_view name) const = 0;
  // For "did you mean"; empty when none is near.
  virtual std::string_view Nearest(std::string_view name) const = 0;
};

}  // namespace weft
