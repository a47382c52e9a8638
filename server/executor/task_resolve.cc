#include "executor/task_resolve.h"

#include "sys/net_address.h"

namespace weft {

int ResolveName(TaskContext& context, sys::NameLookup* lookup, int64_t limit_ns) {
  if (const auto address = sys::NetAddress::ParseIp(lookup->host, lookup->port)) {
    lookup->addresses = {*address};
    return 0;
  }
  sys::IoOperation operation{.kind = sys::IoKind::kResolve};
  operation.lookup = lookup;
  operation.time_limit_ns = limit_ns;
  return static_cast<int>(context.RunIo(operation));
}

}  // namespace weft
