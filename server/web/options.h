#pragma once

#include <cstddef>
#include <string>

namespace weft {

// The HTTP server's bounds.
struct WebOptions {
  std::string listen = "127.0.0.1:7412";  // web.listen: host:port, port 0 for any free one.
  size_t max_connections = 8;             // Served at once; four times as many may wait.
  int request_timeout_ms = 2'000;         // A connection silent for that long is closed.
};

}  // namespace weft
