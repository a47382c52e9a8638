// Memory from the kernel: zeroed, moved with its owner, refused in an answer, guarded and given
// back page by page.
#include "sys/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weft::sys {
namespace {

TEST(Mapping, IsZeroedAndGoesWithItsOwner) {
  Mapping first = Mapping::Make(3 * PageBytes());
  ASSERT_NE(first.data(), nullptr);
  EXPECT_EQ(std::count(first.data(), first.data() + first.bytes(), 0),
            static_cast<ptrdiff_t>(first.bytes()));
  first.data()[PageBytes()] = 'x';
  Mapping second = std::move(first);
  EXPECT_EQ(second.data()[PageBytes()], 'x');
  EXPECT_EQ(second.bytes(), 3 * PageBytes());
  first = Mapping();
  first = std::move(second);
  EXPECT_EQ(first.data()[PageBytes()], 'x');
}

TEST(Mapping, IsEmptyWhenTheKernelRefuses) {
  const Mapping mapping = Mapping::Make(size_t{1} << 60);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(mapping.data(), nullptr);
  EXPECT_EQ(mapping.bytes(), 0u);
}

TEST(MappingDeathTest, NobodyGetsThroughAGuard) {
  const Mapping mapping = Mapping::Make(3 * PageBytes());
  ASSERT_TRUE(Mapping::Guard(mapping.data() + PageBytes(), PageBytes()));
  std::memset(mapping.data(), 'x', PageBytes());
  std::memset(mapping.data() + 2 * PageBytes(), 'x', PageBytes());
  volatile char* const guarded = mapping.data() + PageBytes();
  EXPECT_DEATH(*guarded = 1, "");
}

TEST(Mapping, RefusesToGuardWhatIsNoPage) {
  const Mapping mapping = Mapping::Make(PageBytes());
  EXPECT_FALSE(Mapping::Guard(mapping.data() + 1, PageBytes()));
}

TEST(Mapping, GivesPagesBack) {
  const Mapping mapping = Mapping::Make(2 * PageBytes());
  std::memset(mapping.data(), 'x', mapping.bytes());
  Mapping::Release(mapping.data() + PageBytes(), PageBytes());
  EXPECT_EQ(mapping.data()[PageBytes() - 1], 'x');
  EXPECT_EQ(mapping.data()[PageBytes()], 0);
}

}  // namespace
}  // namespace weft::sys
