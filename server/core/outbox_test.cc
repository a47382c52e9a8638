// Proves that the outbox keeps order, knows its room, wraps, and passes everything whole from one
// thread to another.
#include "core/outbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <thread>
#include <vector>

namespace weft {
namespace {

struct Item {
  uint64_t serial = 0;
  uint64_t check = 0;
};

using TestOutbox = Outbox<Item>;

TEST(Outbox, KnowsItsRoom) {
  TestOutbox outbox(4);
  EXPECT_TRUE(outbox.empty());
  EXPECT_TRUE(outbox.HasRoom(4));
  EXPECT_FALSE(outbox.HasRoom(5));
  for (uint64_t i = 0; i < 3; ++i) outbox.Push({i, 0});
  EXPECT_FALSE(outbox.empty());
  EXPECT_TRUE(outbox.HasRoom(1));
  EXPECT_FALSE(outbox.HasRoom(2));
  outbox.Push({3, 0});
  EXPECT_FALSE(outbox.HasRoom(1));
}

TEST(Outbox, HasRoomAgainForExactlyWhatWasDrained) {
  TestOutbox outbox(4);
  for (uint64_t i = 0; i < 4; ++i) outbox.Push({i, 0});
  EXPECT_FALSE(outbox.HasRoom(1));
  std::array<Item, 3> out;
  EXPECT_EQ(outbox.Drain(out), 3U);
  EXPECT_TRUE(outbox.HasRoom(3));
  EXPECT_FALSE(outbox.HasRoom(4));
}

TEST(Outbox, GivesPlacesBackWhenAllOfADrainWereHandedOut) {
  TestOutbox outbox(4);
  for (uint64_t i = 0; i < 4; ++i) outbox.Push({i, 0});
  std::vector<uint64_t> serials;
  EXPECT_EQ(outbox.Drain(3,
                         [&](const Item& item) {
                           serials.push_back(item.serial);
                           EXPECT_FALSE(outbox.HasRoom(1));
                         }),
            3U);
  EXPECT_EQ(serials, (std::vector<uint64_t>{0, 1, 2}));
  EXPECT_TRUE(outbox.HasRoom(3));
}

TEST(Outbox, DrainsTheOldestFirstUpToWhatIsAskedFor) {
  TestOutbox outbox(8);
  std::array<Item, 3> out;
  EXPECT_EQ(outbox.Drain(out), 0U);
  for (uint64_t i = 0; i < 5; ++i) outbox.Push({i, 0});
  EXPECT_EQ(outbox.Drain(out), 3U);
  EXPECT_EQ(out[0].serial, 0U);
  EXPECT_EQ(out[2].serial, 2U);
  EXPECT_EQ(outbox.Drain(out), 2U);
  EXPECT_EQ(out[0].serial, 3U);
  EXPECT_EQ(out[1].serial, 4U);
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(outbox.Drain({}), 0U);
}

TEST(Outbox, KeepsOrderAroundTheWrap) {
  TestOutbox outbox(4);
  std::array<Item, 4> out;
  uint64_t pushed = 0;
  uint64_t drained = 0;
  for (size_t round = 0; round < 1000; ++round) {
    for (size_t i = 0; i <= round % 4 && outbox.HasRoom(1); ++i) outbox.Push({pushed++, 0});
    const size_t count = outbox.Drain(std::span<Item>(out.data(), 1 + (round * 3) % 4));
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(out[i].serial, drained++);
  }
  EXPECT_GT(drained, 1000U);
}

TEST(Outbox, PassesEverythingWholeBetweenTwoThreads) {
  constexpr uint64_t kItems = 50'000;
  for (const size_t capacity : {2U, 64U}) {
    TestOutbox outbox(capacity);
    std::thread core([&outbox] {
      for (uint64_t i = 0; i < kItems; ++i) {
        while (!outbox.HasRoom(1)) std::this_thread::yield();
        outbox.Push({i, ~i * 31});
      }
    });
    std::array<Item, 5> out;
    uint64_t next = 0;
    bool whole = true;
    while (next < kItems) {
      const size_t count = outbox.Drain(std::span<Item>(out.data(), 1 + next % out.size()));
      if (count == 0) std::this_thread::yield();
      for (size_t i = 0; i < count; ++i, ++next) {
        whole = whole && out[i].serial == next && out[i].check == ~next * 31;
      }
    }
    core.join();
    EXPECT_TRUE(whole);
    EXPECT_TRUE(outbox.empty());
  }
}

}  // namespace
}  // namespace weft
