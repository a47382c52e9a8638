#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weft {

// Whom a task may talk to.
struct HostPattern {
  // A name in lower case, or an IP address as inet_ntop writes it; "*.example.com": all names below
  // that one.
  std::string host;
  uint16_t port = 0;  // 0: any.
};

// What handlers are configured with.
struct HandlerOptions {
  // The directory the file handlers work beneath; empty: they fail every task.
  std::string file_root;
  // Whom tcp.request and http.get may talk to; empty: they fail every task.
  std::vector<HostPattern> net_allow;
  size_t net_max_bytes = 1'048'576;            // Of an answer.
  int64_t net_time_limit_ns = 10'000'000'000;  // From a task's start to its answer.
};

}  // namespace weft
