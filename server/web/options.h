#pragma once

#include <cstddef>
#include <string>

namespace weft {

// The HTTP server's bounds.
struct WebOptions {
  std::string listen = "127.0.0.1:7412";  // web.listen: host:port, port 0 for any free one.
  // Served at once, each by a thread that sleeps while its client is silent; four times as many
  // may wait.
  size_t max_connections = 16;
  int request_timeout_ms = 1'000;  // A connection silent for that long is closed.
};

}  // namespace weft
