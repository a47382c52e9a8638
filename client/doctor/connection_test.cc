#include "client/doctor/connection.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "client/doctor/listener.h"

// Proves that each way an address may answer, or not, is told apart.
namespace weft::doctor {
namespace {

constexpr int64_t kPatienceNs = 10'000'000'000;

TEST(PortOf, TakesWhatFollowsTheLastColon) {
  EXPECT_EQ(PortOf("127.0.0.1:7411"), 7411);
  EXPECT_EQ(PortOf("[::1]:80"), 80);
  EXPECT_EQ(PortOf("nowhere"), 0);
  EXPECT_EQ(PortOf("host:http"), 0);
}

TEST(TryConnect, TellsAListenerFromNobody) {
  Listener listener;
  EXPECT_TRUE(TryConnect(listener.address(), kPatienceNs).ok());
  listener.Close();
  EXPECT_EQ(TryConnect(listener.address(), kPatienceNs).code(), absl::StatusCode::kNotFound);
}

TEST(TryConnect, TellsAStaleSocketFileFromNone) {
  std::string folder = (std::filesystem::temp_directory_path() / "weft-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/s";
  EXPECT_EQ(TryConnect("unix:" + path, kPatienceNs).code(), absl::StatusCode::kNotFound);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  EXPECT_TRUE(TryConnect("unix:" + path, kPatienceNs).ok());
  close(fd);
  EXPECT_EQ(TryConnect("unix:" + path, kPatienceNs).code(), absl::StatusCode::kFailedPrecondition);
  std::filesystem::remove_all(folder);
}

TEST(TryConnect, RefusesWhatIsNoAddress) {
  EXPECT_FALSE(TryConnect("nowhere", kPatienceNs).ok());
  EXPECT_FALSE(TryConnect("127.0.0.1:port", kPatienceNs).ok());
  EXPECT_FALSE(TryConnect("unix:" + std::string(200, 'x'), kPatienceNs).ok());
}

TEST(HttpGet, TakesTheWholeAnswer) {
  Listener listener;
  std::thread server([&] { listener.AnswerOne("HTTP/1.1 200 OK\r\n\r\nhello"); });
  const auto answer = HttpGet(listener.address(), "/", kPatienceNs);
  server.join();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "HTTP/1.1 200 OK\r\n\r\nhello");
}

TEST(HttpGet, GivesUpOnWhoeverSaysNothing) {
  Listener listener;
  const auto answer = HttpGet(listener.address(), "/", 1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status()) || absl::IsUnavailable(answer.status()))
      << answer.status();
}

}  // namespace
}  // namespace weft::doctor
