#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "task/refusal.h"
#include "task/task_filter.h"
#include "weft/v1/task_service.pb.h"

// Filters of listings and watches between their protobuf form and task/. Pure functions, any
// thread.

namespace weft {

// Fills *filter with views into message and into *labels, which is overwritten; both must stay.
// Refuses states that this version does not know and malformed labels; whether the handler and the
// core exist is the Dispatcher's to check. path is where message stands in the request ("filter").
std::optional<Refusal> ReadTaskFilter(const v1::TaskFilter& message, std::string_view path,
                                      std::string* labels, TaskFilter* filter);

}  // namespace weft
