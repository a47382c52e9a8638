// Which sockets of a service manager are taken, and what is said of the others.
#include "daemon/inherited_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

using testing::AllOf;
using testing::HasSubstr;

sys::Fd TcpListener(uint32_t host = INADDR_LOOPBACK) {
  sys::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(listen(fd.get(), 1), 0);
  return fd;
}

// In the abstract namespace, so that no file is left behind.
sys::Fd UnixListener() {
  sys::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = absl::StrCat("weft-inherited-", getpid());
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(fd.get(), 1), 0);
  return fd;
}

absl::StatusOr<InheritedListeners> Sort(sys::Fd fd, const std::string& name,
                                        bool insecure = false) {
  std::vector<InheritedSocket> sockets;
  sockets.push_back({std::move(fd), name});
  return SortInheritedSockets(std::move(sockets), insecure);
}

std::string Refusal(sys::Fd fd, const std::string& name) {
  const auto sorted = Sort(std::move(fd), name);
  EXPECT_EQ(sorted.status().code(), absl::StatusCode::kInvalidArgument) << sorted.status();
  return std::string(sorted.status().message());
}

TEST(InheritedSockets, AreSortedByTheirNames) {
  std::vector<InheritedSocket> sockets;
  sockets.push_back({UnixListener(), "unix"});
  sockets.push_back({TcpListener(), "rpc"});
  sockets.push_back({TcpListener(), "rpc"});
  const auto sorted = SortInheritedSockets(std::move(sockets), false);
  ASSERT_TRUE(sorted.ok()) << sorted.status();
  ASSERT_EQ(sorted->rpc.size(), 2u);
  EXPECT_THAT(sorted->rpc[0].address, testing::StartsWith("127.0.0.1:"));
  ASSERT_EQ(sorted->local.size(), 1u);
  EXPECT_EQ(sorted->local[0].address, absl::StrCat("unix-abstract:weft-inherited-", getpid()));
}

TEST(InheritedSockets, AreNoneWithoutAManager) {
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  EXPECT_TRUE(TakeInheritedSockets().empty());
}

TEST(InheritedSockets, WithoutAPurposeAreRefused) {
  EXPECT_THAT(Refusal(TcpListener(), "weftd.socket"),
              AllOf(HasSubstr("named \"weftd.socket\" has no purpose"),
                    HasSubstr("expected FileDescriptorName=rpc or unix")));
}

TEST(InheritedSockets, ForTheWebAreRefused) {
  EXPECT_THAT(Refusal(TcpListener(), "web"), HasSubstr("expected web.listen instead"));
}

TEST(InheritedSockets, OfTheOtherFamilyAreRefused) {
  EXPECT_THAT(Refusal(UnixListener(), "rpc"), HasSubstr("expected FileDescriptorName=unix"));
  EXPECT_THAT(Refusal(TcpListener(), "unix"), HasSubstr("expected FileDescriptorName=rpc"));
}

TEST(InheritedSockets, ThatDoNotListenAreRefused) {
  const char* const expected = "expected ListenStream= and Accept=no";
  EXPECT_THAT(Refusal(sys::Fd(socket(AF_INET, SOCK_STREAM, 0)), "rpc"), HasSubstr(expected));
  EXPECT_THAT(Refusal(sys::Fd(socket(AF_INET, SOCK_DGRAM, 0)), "rpc"), HasSubstr(expected));
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const sys::Fd write_end(ends[1]);
  EXPECT_THAT(Refusal(sys::Fd(ends[0]), "unix"), HasSubstr(expected));
}

TEST(InheritedSockets, WithinReachOfOthersNeedTheWordInsecure) {
  EXPECT_THAT(Refusal(TcpListener(INADDR_ANY), "rpc"), HasSubstr("security.insecure = true"));
  EXPECT_TRUE(Sort(TcpListener(INADDR_ANY), "rpc", true).ok());
}

// In a child, as the descriptors have fixed numbers. Returns what is wrong.
int TakeAsAService(int listener) {
  dup2(listener, 3);
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_FDNAMES", "rpc", 1);
  const std::vector<InheritedSocket> sockets = TakeInheritedSockets();
  if (sockets.size() != 1 || sockets[0].fd.get() != 3 || sockets[0].name != "rpc") return 1;
  // What the daemon starts must not take them for its own.
  return getenv("LISTEN_FDS") == nullptr ? 0 : 2;
}

TEST(InheritedSockets, AreTakenAsTheManagerHandsThemOver) {
  const sys::Fd listener = TcpListener();
  const pid_t child = fork();
  if (child == 0) _exit(TakeAsAService(listener.get()));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace weft
