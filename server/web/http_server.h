#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "web/options.h"

struct mg_callbacks;
struct mg_connection;
struct mg_context;

namespace weft {

// What the pages show. Called by any of the server's threads, several at once; must not block for
// long.
struct HttpPages {
  std::function<std::string()> metrics;      // Prometheus text.
  std::function<std::string()> unreadiness;  // Why the daemon is not ready; empty when it is.
};

// Serves /metrics, /healthz (answers as long as the process lives) and /readyz (503 with the reason
// while not ready) over HTTP. Owned by the daemon. At most max_connections are served at once and a
// few wait; garbage and silent connections are closed. Answers until destroyed; the destructor
// waits for requests that are being answered.
class HttpServer {
 public:
  // Listens and starts its threads, which inherit the caller's signal mask. Unavailable names the
  // address that cannot be had and why.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const WebOptions& options,
                                                           HttpPages pages);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Any thread. The port really listened on, when port 0 was asked for.
  uint16_t port() const { return port_; }

 private:
  explicit HttpServer(HttpPages pages);

  static int OnRequest(mg_connection* connection);
  void Answer(mg_connection* connection, const std::string& method, const std::string& path) const;

  const HttpPages pages_;
  mg_context* context_ = nullptr;
  uint16_t port_ = 0;
};

}  // namespace weft
