// Proves that Fd closes exactly what it owns, by asking the kernel about the descriptor.
#include "sys/fd.h"

#include <fcntl.h>

#include <utility>

#include "gtest/gtest.h"

namespace weft::sys {
namespace {

bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
int OpenNull() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(Fd, ClosesWhatItOwns) {
  const int raw = OpenNull();
  ASSERT_GE(raw, 0);
  { Fd fd(raw); }
  EXPECT_FALSE(IsOpen(raw));
}

TEST(Fd, MovesOwnershipAndLeavesNothingBehind) {
  const int raw = OpenNull();
  Fd from(raw);
  Fd to(std::move(from));
  EXPECT_FALSE(
      from.valid());  // NOLINT(bugprone-use-after-move): the moved-from state is a promise.
  EXPECT_EQ(to.get(), raw);
  EXPECT_TRUE(IsOpen(raw));
}

TEST(Fd, AssignmentClosesTheOldDescriptor) {
  const int old = OpenNull();
  const int replacement = OpenNull();
  Fd fd(old);
  fd = Fd(replacement);
  EXPECT_FALSE(IsOpen(old));
  EXPECT_TRUE(IsOpen(replacement));
}

TEST(Fd, ReleaseGivesTheDescriptorAway) {
  int raw = -1;
  {
    Fd fd(OpenNull());
    raw = fd.Release();
  }
  EXPECT_TRUE(IsOpen(raw));
  ::close(raw);
}

}  // namespace
}  // namespace weft::sys
