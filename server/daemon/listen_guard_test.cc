// Addresses and socket paths a daemon may listen on, and the refusal of all others; with real
// sockets on free ports and folders of its own.
#include "daemon/listen_guard.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>

namespace weft {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ListenGuard, TellsThatAPortIsTaken) {
  const sys::Fd holder(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(holder.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(holder.get(), 1), 0);
  ASSERT_EQ(getsockname(holder.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const ListenAddress taken{"127.0.0.1", ntohs(address.sin_port), true};
  const absl::Status status = CheckFree("rpc.listen", taken);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("rpc.listen"), HasSubstr(std::to_string(taken.port)), HasSubstr("in use")));
  EXPECT_TRUE(CheckFree("rpc.listen", {"127.0.0.1", 0, true}).ok());
  EXPECT_FALSE(CheckFree("rpc.listen", {"192.0.2.1", 0, false}).ok());
}

std::string Resolve(const std::string& setting, std::map<std::string, std::string> environment,
                    bool is_root) {
  return ResolveUnixSocket(
      setting, [&](const char* name) { return environment[name]; }, is_root);
}

TEST(UnixSocket, AutoFollowsTheEnvironment) {
  EXPECT_EQ(Resolve("auto", {{"RUNTIME_DIRECTORY", "/run/weft"}, {"XDG_RUNTIME_DIR", "/x"}}, false),
            "/run/weft/weftd.sock");
  EXPECT_EQ(Resolve("auto", {{"RUNTIME_DIRECTORY", "/run/a:/run/b"}}, true), "/run/a/weftd.sock");
  EXPECT_EQ(Resolve("auto", {{"XDG_RUNTIME_DIR", "/run/user/7"}}, true),
            "/run/user/7/weft/weftd.sock");
  EXPECT_EQ(Resolve("auto", {}, true), "/run/weft/weftd.sock");
  EXPECT_EQ(Resolve("auto", {}, false), "");
  EXPECT_EQ(Resolve("", {{"RUNTIME_DIRECTORY", "/run/weft"}}, true), "");
  EXPECT_EQ(Resolve("/a/b", {{"RUNTIME_DIRECTORY", "/run/weft"}}, true), "/a/b");
}

class UnixSocketLockTest : public testing::Test {
 protected:
  UnixSocketLockTest() {
    char path[] = "/tmp/weft_lock_XXXXXX";
    root_ = mkdtemp(path);
    socket_ = root_ + "/folder/weftd.sock";
  }
  ~UnixSocketLockTest() override { std::filesystem::remove_all(root_); }

  void LeaveSocket() {
    const sys::Fd fd(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, socket_.c_str());
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  std::string root_;
  std::string socket_;
};

TEST_F(UnixSocketLockTest, MakesAFolderForTheOwnerOnly) {
  const auto lock = UnixSocketLock::Acquire(socket_);
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_EQ(lock->path(), socket_);
  struct stat status {};
  ASSERT_EQ(stat((root_ + "/folder").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(UnixSocketLockTest, RefusesASecondDaemonAndLeavesItsSocketAlone) {
  auto first = UnixSocketLock::Acquire(socket_);
  ASSERT_TRUE(first.ok()) << first.status();
  LeaveSocket();
  const auto second = UnixSocketLock::Acquire(socket_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(HasSubstr("another daemon"), HasSubstr(socket_ + ".lock")));
  EXPECT_TRUE(std::filesystem::exists(socket_));
}

TEST_F(UnixSocketLockTest, IsFreeAgainOnceGivenUpAndLeavesTheSocketToItsOwner) {
  {
    const auto lock = UnixSocketLock::Acquire(socket_);
    ASSERT_TRUE(lock.ok());
    LeaveSocket();
  }
  EXPECT_TRUE(std::filesystem::exists(socket_));
  EXPECT_TRUE(UnixSocketLock::Acquire(socket_).ok());
}

TEST_F(UnixSocketLockTest, RemovesASocketThatADeadDaemonLeft) {
  std::filesystem::create_directory(root_ + "/folder");
  std::filesystem::permissions(root_ + "/folder", std::filesystem::perms::owner_all);
  LeaveSocket();
  const auto lock = UnixSocketLock::Acquire(socket_);
  ASSERT_TRUE(lock.ok()) << lock.status();
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(UnixSocketLockTest, NeverRemovesWhatIsNotASocket) {
  std::filesystem::create_directory(root_ + "/folder");
  std::filesystem::permissions(root_ + "/folder", std::filesystem::perms::owner_all);
  std::ofstream(socket_) << "precious";
  const auto lock = UnixSocketLock::Acquire(socket_);
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("not a socket"));
  EXPECT_TRUE(std::filesystem::exists(socket_));
}

TEST_F(UnixSocketLockTest, RefusesAFolderOpenToOthers) {
  std::filesystem::create_directory(root_ + "/folder");
  ASSERT_EQ(chmod((root_ + "/folder").c_str(), 0755), 0);
  const auto lock = UnixSocketLock::Acquire(socket_);
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(lock.status().message()),
              AllOf(HasSubstr("mode 755"), HasSubstr("expected 700")));
}

TEST_F(UnixSocketLockTest, RefusesAFolderWhereItsGroupWrites) {
  std::filesystem::create_directory(root_ + "/folder");
  ASSERT_EQ(chmod((root_ + "/folder").c_str(), 0770), 0);
  EXPECT_EQ(UnixSocketLock::Acquire(socket_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(UnixSocketLockTest, LetsInWhomTheFolderLetsIn) {
  std::filesystem::create_directory(root_ + "/folder");
  for (const auto& [folder, socket] : {std::pair(0700, 0600), {0740, 0600}, {0750, 0660}}) {
    ASSERT_EQ(chmod((root_ + "/folder").c_str(), static_cast<mode_t>(folder)), 0);
    const auto lock = UnixSocketLock::Acquire(socket_);
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_EQ(lock->mode(), static_cast<mode_t>(socket)) << std::oct << folder;
  }
}

TEST_F(UnixSocketLockTest, RefusesPathsNoSocketCanHave) {
  for (const std::string& path :
       {std::string(), std::string("relative.sock"), root_ + "/", "/" + std::string(120, 'x')}) {
    EXPECT_EQ(UnixSocketLock::Acquire(path).status().code(), absl::StatusCode::kInvalidArgument)
        << path;
  }
  EXPECT_EQ(UnixSocketLock::Acquire(root_ + "/no/such/weftd.sock").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace weft
