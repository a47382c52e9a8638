// Memory from the kernel: zeroed, moved with its owner, refused in an answer, guarded and given
// back page by page, locked, and kept on a node, also one that is not there.
#include "sys/memory.h"

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

// The policy of the page at an address: its mode, and the node it names.
struct PagePolicy {
  int mode = -1;
  unsigned long nodes = 0;
};

PagePolicy PolicyAt(const void* at) {
  PagePolicy policy;
  std::array<unsigned long, 16> mask{};
  EXPECT_EQ(
      ::syscall(SYS_get_mempolicy, &policy.mode, mask.data(), 8 * sizeof(mask), at, MPOL_F_ADDR),
      0);
  policy.nodes = mask[0];
  return policy;
}

// The node that the page of an address lies on; below 0: it has no memory, or the kernel refuses.
int NodeAt(const void* at) {
  void* page = const_cast<void*>(at);
  int node = -1;
  return ::syscall(SYS_move_pages, 0, 1, &page, nullptr, &node, 0) == 0 ? node : -1;
}

bool HasNodePolicies() {
  int mode = 0;
  return ::syscall(SYS_get_mempolicy, &mode, nullptr, 0, nullptr, 0) == 0;
}

TEST(KeepOnNode, HoldsForWhatIsThereAndForWhatComes) {
  if (!HasNodePolicies()) GTEST_SKIP() << "the kernel has no NUMA, or does not let us ask";
  const Mapping mapping = Mapping::Make(4 * PageBytes());
  mapping.data()[PageBytes()] = 'x';
  // From the middle of a page to the middle of another, which are kept whole.
  ASSERT_TRUE(KeepOnNode(mapping.data() + PageBytes() + 8, 2 * PageBytes() - 16, 0));
  mapping.data()[2 * PageBytes()] = 'y';
  for (const size_t page : {1u, 2u}) {
    const PagePolicy policy = PolicyAt(mapping.data() + page * PageBytes());
    EXPECT_EQ(policy.mode, MPOL_PREFERRED);
    EXPECT_EQ(policy.nodes, 1u) << "node 0";
    EXPECT_EQ(NodeAt(mapping.data() + page * PageBytes()), 0);
  }
  EXPECT_EQ(mapping.data()[PageBytes()], 'x');
  EXPECT_EQ(PolicyAt(mapping.data()).mode, MPOL_DEFAULT) << "before it";
  EXPECT_EQ(PolicyAt(mapping.data() + 3 * PageBytes()).mode, MPOL_DEFAULT) << "behind it";
}

TEST(KeepOnNode, GoesOverThePolicyTheProcessWasStartedWith) {
  if (!HasNodePolicies()) GTEST_SKIP() << "the kernel has no NUMA, or does not let us ask";
  EXPECT_EXIT(
      {
        const unsigned long node0 = 1;
        const bool is_set =
            ::syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &node0, 8 * sizeof(node0)) == 0;
        const Mapping mapping = Mapping::Make(PageBytes());
        const bool is_kept = KeepOnNode(mapping.data(), mapping.bytes(), 0);
        std::_Exit(is_set && is_kept && PolicyAt(mapping.data()).mode == MPOL_PREFERRED ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(KeepOnNode, IsRefusedForANodeThatIsNotThere) {
  const Mapping mapping = Mapping::Make(PageBytes());
  mapping.data()[0] = 'x';
  for (const uint32_t node : {1'023u, 1'024u, UINT32_MAX}) {
    EXPECT_FALSE(KeepOnNode(mapping.data(), mapping.bytes(), node)) << node;
  }
  EXPECT_EQ(mapping.data()[0], 'x');
}

TEST(BytesOffNode, AreThoseOfTouchedPagesThatLieElsewhere) {
  const Mapping mapping = Mapping::Make(2'000 * PageBytes());
  for (const size_t page : {1u, 700u, 1'999u}) mapping.data()[page * PageBytes()] = 'x';
  const int node = NodeAt(mapping.data() + PageBytes());
  if (node < 0) GTEST_SKIP() << "the kernel does not tell where pages lie";
  const auto here = static_cast<uint32_t>(node);
  EXPECT_EQ(BytesOffNode(mapping.data(), mapping.bytes(), here), 0u);
  EXPECT_EQ(BytesOffNode(mapping.data(), mapping.bytes(), here + 1), 3 * PageBytes());
  EXPECT_EQ(BytesOffNode(mapping.data() + PageBytes() + 9, 1, here + 1), PageBytes());
  EXPECT_EQ(BytesOffNode(mapping.data(), PageBytes(), here + 1), 0u) << "never touched";
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
