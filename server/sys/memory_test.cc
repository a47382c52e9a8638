// Memory from the kernel: zeroed, moved with its owner, refused in an answer, guarded and given
// back page by page.
#include "sys/memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

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

uint64_t HugeBytes() {
  std::ifstream lines("/proc/self/smaps_rollup");
  for (std::string word; lines >> word;) {
    uint64_t kilobytes = 0;
    if (word == "AnonHugePages:" && lines >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

TEST(UseHugePages, MovesWholeOnesAndKeepsWhatTheyHold) {
  constexpr size_t kBytes = 6 * 1024 * 1024;
  const std::vector<char> data(kBytes, 'x');
  const uint64_t before = HugeBytes();
  const size_t huge = UseHugePages(data.data() + 1, kBytes - 2);
  EXPECT_EQ(std::count(data.begin(), data.end(), 'x'), static_cast<ptrdiff_t>(kBytes));
  // Before Linux 6.1, or when memory is in pieces.
  if (huge == 0) GTEST_SKIP() << "the kernel gives no huge pages";
  EXPECT_EQ(HugeBytes() - before, huge);
  EXPECT_EQ(huge % (size_t{2} * 1024 * 1024), 0u);
}

TEST(UseHugePages, LeavesWhatIsSmallerThanOne) {
  const std::vector<char> data(1'000'000, 'x');
  EXPECT_EQ(UseHugePages(data.data(), data.size()), 0u);
  EXPECT_EQ(data[999'999], 'x');
}

uint64_t LockedBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    uint64_t kilobytes = 0;
    if (word == "VmLck:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

TEST(LockMemory, LocksWholePagesAndCountsThem) {
  const uint64_t before = LockedBytes();
  {
    const Mapping mapping = Mapping::Make(4 * PageBytes());
    LockedMemory tally;
    LockMemory(mapping.data(), mapping.bytes(), &tally);
    EXPECT_EQ(tally.wanted, 4 * PageBytes());
    if (tally.locked == 0) GTEST_SKIP() << "no memory may be locked here";
    EXPECT_EQ(tally.locked, 4 * PageBytes());
    EXPECT_EQ(LockedBytes() - before, 4 * PageBytes());
    std::array<unsigned char, 4> resident{};
    ASSERT_EQ(mincore(mapping.data(), mapping.bytes(), resident.data()), 0);
    EXPECT_EQ(std::count(resident.begin(), resident.end(), 1), 4) << "not committed";
  }
  EXPECT_EQ(LockedBytes(), before);
}

TEST(LockMemory, CountsWhatIsBeyondTheLimit) {
  if (geteuid() == 0) {
    // Root is not limited; a child without the capability is what a service is.
    EXPECT_EXIT(
        {
          rlimit none{};
          setrlimit(RLIMIT_MEMLOCK, &none);
          if (setuid(65'534) != 0) std::_Exit(2);
          const Mapping mapping = Mapping::Make(PageBytes());
          LockedMemory tally;
          LockMemory(mapping.data(), mapping.bytes(), &tally);
          const bool may = MayLockMemory(PageBytes());
          std::_Exit(tally.wanted == PageBytes() && tally.locked == 0 && !may ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
    return;
  }
  const Mapping mapping = Mapping::Make(size_t{1} << 40);
  LockedMemory tally;
  LockMemory(mapping.data(), mapping.bytes(), &tally);
  EXPECT_EQ(tally.locked, 0u);
}

TEST(LockMemory, IsTriedWithoutTakingAny) {
  const uint64_t before = LockedBytes();
  if (!MayLockMemory(4 * PageBytes())) GTEST_SKIP() << "no memory may be locked here";
  EXPECT_EQ(LockedBytes(), before);
  EXPECT_FALSE(MayLockMemory(uint64_t{1} << 60)) << "more than the address space";
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
