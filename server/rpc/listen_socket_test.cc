// Sockets that listen: on free ports and in folders of their own, and what keeps one from it.
#include "rpc/listen_socket.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

namespace weft {
namespace {

using testing::StartsWith;

uint16_t PortOf(const ListenSocket& socket) {
  return static_cast<uint16_t>(std::stoi(socket.address.substr(socket.address.rfind(':') + 1)));
}

// 0, or why nobody could be reached there.
int ConnectTo(const sockaddr* address, socklen_t size) {
  const sys::Fd client(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(client.get(), address, size) == 0 ? 0 : errno;
}

int ConnectToLoopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return ConnectTo(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

TEST(ListenOnTcp, TellsThePortThatTheSystemChose) {
  const auto sockets = ListenOnTcp("127.0.0.1:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  ASSERT_EQ(sockets->size(), 1u);
  EXPECT_THAT(sockets->front().address, StartsWith("127.0.0.1:"));
  EXPECT_NE(PortOf(sockets->front()), 0);
  EXPECT_EQ(ConnectToLoopback(PortOf(sockets->front())), 0);
}

TEST(ListenOnTcp, NamesTheAddressThatIsInUse) {
  const auto first = ListenOnTcp("127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string& address = first->front().address;
  const auto second = ListenOnTcp(address);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(std::string(second.status().message()),
            "rpc.listen \"" + address + "\" cannot be bound: Address already in use");
}

TEST(ListenOnTcp, RefusesConnectionsOnceClosed) {
  std::optional<ListenSocket> socket = std::move(ListenOnTcp("127.0.0.1:0")->front());
  const uint16_t port = PortOf(*socket);
  socket.reset();
  EXPECT_EQ(ConnectToLoopback(port), ECONNREFUSED);
  EXPECT_TRUE(ListenOnTcp("127.0.0.1:" + std::to_string(port)).ok());
}

TEST(ListenOnTcp, HearsEveryIpv4AddressOnAnyWildcard) {
  for (const char* wildcard : {"0.0.0.0:0", "[::]:0"}) {
    const auto sockets = ListenOnTcp(wildcard);
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    EXPECT_EQ(ConnectToLoopback(PortOf(sockets->front())), 0) << wildcard;
    EXPECT_FALSE(ListenOnTcp("0.0.0.0:" + std::to_string(PortOf(sockets->front()))).ok());
  }
}

TEST(ListenOnTcp, GivesAllAddressesOfANameOnePort) {
  const auto sockets = ListenOnTcp("localhost:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  ASSERT_FALSE(sockets->empty());
  for (const ListenSocket& socket : *sockets) EXPECT_EQ(socket.address, sockets->front().address);
  EXPECT_EQ(ConnectToLoopback(PortOf(sockets->front())), 0);
}

TEST(ListenOnTcp, RefusesWhatIsNoAddressOfThisMachine) {
  for (const std::string address : {"192.0.2.1:0", "127.0.0.1", "127.0.0.1:http"}) {
    const absl::Status status = ListenOnTcp(address).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << address;
    EXPECT_THAT(std::string(status.message()),
                StartsWith("rpc.listen \"" + address + "\" cannot be bound: "));
  }
}

class ListenOnUnixTest : public testing::Test {
 protected:
  ListenOnUnixTest() {
    char path[] = "/tmp/weft_listen_XXXXXX";
    root_ = mkdtemp(path);
    path_ = root_ + "/weftd.sock";
  }
  ~ListenOnUnixTest() override { std::filesystem::remove_all(root_); }

  int Connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return ConnectTo(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

  std::string root_;
  std::string path_;
};

TEST_F(ListenOnUnixTest, GivesTheModeWhateverTheUmaskAndTakesTheSocketAway) {
  const mode_t before = umask(0177);
  {
    const auto socket = ListenOnUnix(path_, 0660);
    umask(before);
    ASSERT_TRUE(socket.ok()) << socket.status();
    EXPECT_EQ(socket->address, "unix:" + path_);
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0660u);
    EXPECT_EQ(Connect(), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ListenOnUnixTest, NamesThePathThatCannotBeBound) {
  std::ofstream(path_) << "precious";
  for (const std::string& path : {path_, root_ + "/no/such.sock", "/" + std::string(120, 'x')}) {
    const absl::Status status = ListenOnUnix(path, 0600).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << path;
    EXPECT_THAT(std::string(status.message()),
                StartsWith("rpc.unix_socket \"" + path + "\" cannot be bound: "));
  }
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(ListenOnUnixTest, LeavesASocketAloneThatTookItsPlace) {
  std::optional<ListenSocket> first = *ListenOnUnix(path_, 0600);
  ASSERT_TRUE(std::filesystem::remove(path_));
  const auto second = ListenOnUnix(path_, 0600);
  ASSERT_TRUE(second.ok()) << second.status();
  first.reset();
  EXPECT_EQ(Connect(), 0);
}

TEST_F(ListenOnUnixTest, MovesTheNameAlong) {
  ListenSocket first = *ListenOnUnix(path_, 0600);
  ListenSocket second;
  second = std::move(first);
  first = ListenSocket();
  EXPECT_EQ(Connect(), 0);
}

}  // namespace
}  // namespace weft
