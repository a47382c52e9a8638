// Proves that every stack is usable from its first to its last byte, that the byte below it is not,
// and that sizes no machine has are refused in words.
#include "core/stack_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "sys/memory.h"

namespace weft {
namespace {

using sys::PageBytes;

TEST(StackPool, GivesStacksThatDoNotTouch) {
  constexpr uint32_t kCount = 5;
  StackPool pool;
  ASSERT_TRUE(pool.Map(kCount, 3 * PageBytes()).ok());
  for (uint32_t i = 0; i < kCount; ++i)
    std::memset(pool.Bottom(i), 'a' + static_cast<int>(i), pool.Bytes(i));
  for (uint32_t i = 0; i < kCount; ++i) {
    const char* const bottom = pool.Bottom(i);
    EXPECT_EQ(bottom[0], 'a' + static_cast<int>(i));
    EXPECT_EQ(bottom[pool.Bytes(i) - 1], 'a' + static_cast<int>(i));
    if (i > 0) {
      EXPECT_GE(bottom, pool.Bottom(i - 1) + pool.Bytes(i - 1) + PageBytes()) << "no guard between";
    }
  }
}

TEST(StackPool, GivesNoLessThanWasAskedAndEndsAtAPage) {
  StackPool pool;
  ASSERT_TRUE(pool.Map(100, PageBytes() + 1).ok());
  for (uint32_t i = 0; i < 100; ++i) {
    EXPECT_GT(pool.Bytes(i), PageBytes());
    EXPECT_LE(pool.Bytes(i), 3 * PageBytes());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pool.Bottom(i)) % PageBytes(), 0U);
  }
}

TEST(StackPool, SpreadsTheTopsOverTheSetsOfACache) {
  StackPool pool;
  ASSERT_TRUE(pool.Map(96, 4 * PageBytes()).ok());
  std::map<uintptr_t, int> places;
  for (uint32_t i = 0; i < 96; ++i) {
    const auto top = reinterpret_cast<uintptr_t>(pool.Bottom(i)) + pool.Bytes(i);
    EXPECT_EQ(top % 64, 0u);
    // The page that holds the top has room for a task of modest depth.
    EXPECT_GT((top - 1) % PageBytes(), PageBytes() / 4 - 1);
    ++places[top % PageBytes()];
  }
  EXPECT_EQ(places.size(), 48u);
  for (const auto& [place, count] : places) EXPECT_EQ(count, 2) << place;
}

TEST(StackPoolDeathTest, TheByteBelowEachStackIsGuarded) {
  StackPool pool;
  ASSERT_TRUE(pool.Map(3, PageBytes()).ok());
  for (uint32_t i = 0; i < 3; ++i) {
    volatile char* const below = pool.Bottom(i) - 1;
    EXPECT_DEATH(*below = 1, "");
  }
}

TEST(StackPool, TakesNoMappingForAGuardWhereTheKernelHasMarkers) {
  if (!sys::HasGuardMarkers()) GTEST_SKIP() << "the kernel is older than Linux 6.13";
  const auto mappings = [] {
    std::ifstream maps("/proc/self/maps");
    return std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n');
  };
  const auto before = mappings();
  StackPool pool;
  ASSERT_TRUE(pool.Map(1'000, 2 * PageBytes()).ok());
  EXPECT_LT(mappings() - before, 10);
}

TEST(StackPool, GivesTheMemoryOfOneStackBack) {
  StackPool pool;
  ASSERT_TRUE(pool.Map(2, 2 * PageBytes()).ok());
  for (uint32_t i = 0; i < 2; ++i) std::memset(pool.Bottom(i), 'x', pool.Bytes(i));
  pool.Release(0);
  EXPECT_EQ(pool.Bottom(0)[0], 0);
  EXPECT_EQ(pool.Bottom(0)[pool.Bytes(0) - 1], 0);
  EXPECT_EQ(pool.Bottom(1)[0], 'x');
  EXPECT_EQ(pool.Bottom(1)[pool.Bytes(1) - 1], 'x');
}

TEST(StackPoolDeathTest, LocksStacksAndKeepsTheirGuards) {
  StackPool pool;
  ASSERT_TRUE(pool.Map(3, 2 * PageBytes()).ok());
  sys::LockedMemory tally;
  pool.Lock(2, &tally);
  EXPECT_EQ(tally.wanted, 2 * 4 * PageBytes()) << "each with its guard, and to spread the tops";
  for (uint32_t i = 0; i < 3; ++i) {
    std::memset(pool.Bottom(i), 'x', pool.Bytes(i));
    volatile char* const below = pool.Bottom(i) - 1;
    EXPECT_DEATH(*below = 1, "");
  }
}

TEST(StackPoolDeathTest, AReleasedStackIsStillGuarded) {
  StackPool pool;
  ASSERT_TRUE(pool.Map(2, PageBytes()).ok());
  pool.Release(1);
  volatile char* const below = pool.Bottom(1) - 1;
  EXPECT_DEATH(*below = 1, "");
}

TEST(StackPool, RefusesWhatNoMachineHas) {
  struct Case {
    uint32_t count;
    size_t bytes;
  };
  for (const Case& absurd :
       {Case{1, SIZE_MAX}, Case{2, SIZE_MAX - PageBytes()}, Case{1U << 31, size_t{1} << 33},
        Case{1U << 20, size_t{1} << 45}, Case{1, size_t{1} << 60}}) {
    StackPool pool;
    const absl::Status status = pool.Map(absurd.count, absurd.bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted)
        << absurd.count << " of " << absurd.bytes;
    EXPECT_NE(std::string(status.message()).find("executor.stack"), std::string::npos)
        << "it must say what to change: " << status;
  }
}

}  // namespace
}  // namespace weft
