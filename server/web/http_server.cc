#include "web/http_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weft {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kPageList = "pages: /metrics /healthz /readyz\n";

struct Page {
  int code = 200;
  std::string_view reason = "OK";
  std::string_view type = kText;
  std::string body;
};

void Send(mg_connection* connection, const Page& page, bool with_body) {
  const std::string head = absl::StrCat("HTTP/1.1 ", page.code, " ", std::string(page.reason),
                                        "\r\nContent-Type: ", std::string(page.type),
                                        "\r\nContent-Length: ", page.body.size(),
                                        page.code == 405 ? "\r\nAllow: GET, HEAD" : "",
                                        "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  // A peer that is gone is its own loss; the connection is closed in either case.
  if (mg_write(connection, head.data(), head.size()) <= 0 || !with_body) return;
  mg_write(connection, page.body.data(), page.body.size());
}

// civetweb would print its remarks about broken requests to stderr, one for each of a peer's tries.
int SwallowMessage(const mg_connection*, const char*) { return 1; }

// Opens and drops a connection to the port on loopback.
void Knock(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  // Nothing depends on the answer.
  static_cast<void>(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)));
  close(fd);
}

// mg_stop alone takes two seconds: the thread that accepts looks at its stop flag when a poll of
// that length ends, or when somebody connects.
void StopSoon(mg_context* context, uint16_t port) {
  std::future<void> stopped = std::async(std::launch::async, [context] { mg_stop(context); });
  while (stopped.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) Knock(port);
}

std::string StartError(const WebOptions& options, const char* text, int error) {
  const bool in_use = error == EADDRINUSE;
  return absl::StrCat("web.listen: cannot listen on ", options.listen, ": ",
                      in_use || *text == '\0' ? std::strerror(error) : text);
}

}  // namespace

HttpServer::HttpServer(HttpPages pages) : pages_(std::move(pages)) { mg_init_library(0); }

HttpServer::~HttpServer() {
  if (context_ != nullptr) StopSoon(context_, port_);
  mg_exit_library();
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const WebOptions& options,
                                                              HttpPages pages) {
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(pages)));
  const std::string threads = absl::StrCat(options.max_connections);
  const std::string waiting = absl::StrCat(4 * options.max_connections);
  const std::string timeout = absl::StrCat(options.request_timeout_ms);
  // clang-format off
  const char* settings[] = {"listening_ports", options.listen.c_str(),
                            "num_threads", threads.c_str(),
                            "connection_queue", waiting.c_str(),
                            "request_timeout_ms", timeout.c_str(),
                            "enable_keep_alive", "no",
                            "enable_auth_domain_check", "no",
                            nullptr};
  // clang-format on
  mg_callbacks callbacks{};
  callbacks.begin_request = &HttpServer::OnRequest;
  callbacks.log_message = &SwallowMessage;
  mg_init_data init{&callbacks, server.get(), settings};
  std::array<char, 256> text{};
  unsigned code = 0;
  mg_error_data error{&code, text.data(), text.size()};
  errno = 0;
  server->context_ = mg_start2(&init, &error);
  if (server->context_ == nullptr) {
    return absl::UnavailableError(StartError(options, text.data(), errno));
  }
  mg_server_port port{};
  if (mg_get_server_ports(server->context_, 1, &port) == 1) {
    server->port_ = static_cast<uint16_t>(port.port);
  }
  return server;
}

int HttpServer::OnRequest(mg_connection* connection) {
  const mg_request_info* const request = mg_get_request_info(connection);
  const char* const path = request->local_uri;
  static_cast<const HttpServer*>(request->user_data)
      ->Answer(connection, request->request_method, path == nullptr ? "" : path);
  return 200;  // Answered.
}

void HttpServer::Answer(mg_connection* connection, const std::string& method,
                        const std::string& path) const {
  Page page;
  if (method != "GET" && method != "HEAD") {
    page = {405, "Method Not Allowed", kText, absl::StrCat("method ", method, " is not allowed\n")};
  } else if (path == "/metrics") {
    page = {200, "OK", kPrometheusText, pages_.metrics()};
  } else if (path == "/healthz") {
    page.body = "live\n";
  } else if (path == "/readyz") {
    const std::string reason = pages_.unreadiness();
    page.body = reason.empty() ? "ready\n" : absl::StrCat("not ready: ", reason, "\n");
    if (!reason.empty()) page = {503, "Service Unavailable", kText, page.body};
  } else {
    page = {404, "Not Found", kText, absl::StrCat("no such page; ", std::string(kPageList))};
  }
  Send(connection, page, method != "HEAD");
}

}  // namespace weft
