#pragma once

#include <cstdint>

#include "executor/stream_call.h"
#include "executor/task_context.h"
#include "sys/name_resolver.h"

namespace weft {

// Finds the addresses of lookup->host: at once when it is a number, else a thread asks the system
// (/etc/hosts, DNS, as it is set up) and the task is suspended meanwhile. 0: lookup->addresses has
// at least one. -ENOENT: there is no such name; -EAGAIN: no name server answered; -ECANCELED and
// -ETIME as in task_net.h, at once, whatever the name server does.
int ResolveName(TaskContext& context, sys::NameLookup* lookup, int64_t limit_ns = kNoTimeLimit);

}  // namespace weft
