// HttpServer over real sockets on free ports: its pages, and that broken peers harm nobody.
#include "web/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sys/fd.h"

namespace weft {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override {
    WebOptions options;
    options.listen = "127.0.0.1:0";
    options.max_connections = 2;
    options.request_timeout_ms = 200;
    auto server =
        HttpServer::Start(options, {[] { return std::string("weft_build_info 1\n"); },
                                    [this] { return std::string(ready_ ? "" : "draining"); }});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(*server);
    ASSERT_NE(server_->port(), 0);
  }

  sys::Fd Connect() {
    sys::Fd fd(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server_->port());
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return fd;
  }

  // Sends the bytes and returns all that comes back until the server closes.
  std::string Exchange(std::string_view bytes) {
    const sys::Fd fd = Connect();
    EXPECT_EQ(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    return ReadAll(fd);
  }

  static std::string ReadAll(const sys::Fd& fd) {
    std::string answer;
    char buffer[4096];
    for (ssize_t count; (count = recv(fd.get(), buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(count));
    }
    return answer;
  }

  std::string Get(std::string_view path) {
    return Exchange(absl::StrCat("GET ", std::string(path), " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }

  std::atomic<bool> ready_{true};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, ServesMetricsAsPrometheusText) {
  EXPECT_THAT(Get("/metrics"), AllOf(StartsWith("HTTP/1.1 200 "),
                                     HasSubstr("Content-Type: text/plain; version=0.0.4"),
                                     HasSubstr("\r\n\r\nweft_build_info 1\n")));
}

TEST_F(HttpServerTest, StaysLiveAndTellsWhyItIsNotReady) {
  EXPECT_THAT(Get("/readyz"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("ready\n")));
  ready_ = false;
  EXPECT_THAT(Get("/readyz"), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("draining")));
  EXPECT_THAT(Get("/healthz"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("live\n")));
}

TEST_F(HttpServerTest, ListsItsPagesWhenAskedForAnother) {
  for (const char* path : {"/", "/metric", "/metrics/x", "/../etc/passwd"}) {
    EXPECT_THAT(Get(path), AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("/metrics /healthz")))
        << path;
  }
}

TEST_F(HttpServerTest, AllowsOnlyReading) {
  EXPECT_THAT(Exchange("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD")));
  const std::string head = Exchange("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(head, AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Content-Length: 18")));
  EXPECT_EQ(head.find("weft_build_info"), std::string::npos);
}

TEST_F(HttpServerTest, SurvivesGarbage) {
  std::string garbage(100'000, '\0');
  for (size_t i = 0; i < garbage.size(); ++i) garbage[i] = static_cast<char>(i * 37 % 251);
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01", 6), std::string("GET\r\n\r\n"),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), garbage}) {
    const sys::Fd fd = Connect();
    send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ReadAll(fd);  // Ends: the server closes it.
  }
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, OutlastsMoreSilentConnectionsThanItServesAtOnce) {
  std::vector<sys::Fd> silent;
  for (int i = 0; i < 6; ++i) {
    silent.push_back(Connect());
    send(silent.back().get(), "GET /met", 8, MSG_NOSIGNAL);
  }
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, NamesAnAddressThatIsTaken) {
  WebOptions options;
  options.listen = absl::StrCat("127.0.0.1:", server_->port());
  const auto second = HttpServer::Start(options, {});
  ASSERT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(HasSubstr("web.listen"), HasSubstr(options.listen),
                    HasSubstr("Address already in use")));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace weft
