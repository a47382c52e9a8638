// Proves that the inbox keeps order, refuses when full, takes the part of a batch that fits, and
// that three producers at once lose, double and tear nothing.
#include "core/inbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

namespace weft {
namespace {

struct Item {
  uint64_t producer = 0;
  uint64_t serial = 0;
  uint64_t check = 0;  // Of the two: a torn item shows.

  static uint64_t CheckOf(uint64_t producer, uint64_t serial) {
    return (producer + 1) * 0x9e3779b97f4a7c15U ^ serial;
  }
};

using TestInbox = Inbox<Item>;

std::vector<Item> Items(uint64_t from, size_t count) {
  std::vector<Item> items(count);
  for (size_t i = 0; i < count; ++i) items[i].serial = from + i;
  return items;
}

void ExpectSerials(TestInbox* inbox, uint64_t from, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const Item* const item = inbox->Front();
    ASSERT_NE(item, nullptr);
    EXPECT_EQ(item->serial, from + i);
    inbox->Pop();
  }
}

TEST(Inbox, IsEmptyAtFirst) {
  TestInbox inbox(4);
  EXPECT_TRUE(inbox.empty());
  EXPECT_EQ(inbox.Front(), nullptr);
  EXPECT_EQ(inbox.Push({}), 0U);
}

TEST(Inbox, RefusesWhenFullAndTakesAgainAfterAPop) {
  TestInbox inbox(4);
  EXPECT_EQ(inbox.Push(Items(0, 4)), 4U);
  EXPECT_EQ(inbox.Push(Items(4, 1)), 0U);
  ExpectSerials(&inbox, 0, 1);
  EXPECT_EQ(inbox.Push(Items(4, 1)), 1U);
  EXPECT_EQ(inbox.Push(Items(5, 1)), 0U);
  ExpectSerials(&inbox, 1, 4);
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, FrontStaysUntilPop) {
  TestInbox inbox(2);
  inbox.Push(Items(7, 2));
  EXPECT_EQ(inbox.Front(), inbox.Front());
  EXPECT_EQ(inbox.Front()->serial, 7U);
}

TEST(Inbox, TakesAFirstPartOfABatchThatDoesNotFit) {
  for (const size_t held : {0U, 1U, 3U, 5U, 7U}) {
    TestInbox inbox(8);
    ASSERT_EQ(inbox.Push(Items(0, held)), held);
    size_t taken = held;
    while (const size_t more = inbox.Push(Items(taken, 20))) taken += more;
    EXPECT_EQ(taken, 8U) << "it said full while there was room";
    ExpectSerials(&inbox, 0, 8);
    EXPECT_TRUE(inbox.empty());
  }
}

TEST(Inbox, KeepsOrderAroundTheWrap) {
  TestInbox inbox(8);
  uint64_t pushed = 0;
  uint64_t popped = 0;
  for (size_t round = 0; round < 1000; ++round) {
    const size_t count = 1 + round % 5;
    pushed += inbox.Push(Items(pushed, count));
    const size_t pops = std::min<uint64_t>(1 + (round * 7) % 5, pushed - popped);
    ExpectSerials(&inbox, popped, pops);
    popped += pops;
  }
  EXPECT_GT(popped, 1000U);
}

TEST(Inbox, ThreeProducersLoseDoubleAndTearNothing) {
  constexpr uint64_t kProducers = 3;
  constexpr uint64_t kItems = 60'000;
  for (const size_t capacity : {2U, 64U}) {
    TestInbox inbox(capacity);
    std::vector<std::thread> producers;
    for (uint64_t producer = 0; producer < kProducers; ++producer) {
      producers.emplace_back([&inbox, producer] {
        std::array<Item, 7> batch;
        for (uint64_t sent = 0; sent < kItems;) {
          const size_t count = std::min<uint64_t>(1 + sent % batch.size(), kItems - sent);
          for (size_t i = 0; i < count; ++i) {
            batch[i] = {producer, sent + i, Item::CheckOf(producer, sent + i)};
          }
          const size_t taken = inbox.Push(std::span<const Item>(batch.data(), count));
          if (taken == 0) std::this_thread::yield();
          sent += taken;
        }
      });
    }
    std::array<uint64_t, kProducers> next{};
    for (uint64_t got = 0; got < kProducers * kItems;) {
      const Item* const item = inbox.Front();
      if (item == nullptr) {
        std::this_thread::yield();
        continue;
      }
      if (item->producer >= kProducers || item->serial != next[item->producer] ||
          item->check != Item::CheckOf(item->producer, item->serial)) {
        ADD_FAILURE() << "producer " << item->producer << " serial " << item->serial;
        std::abort();
      }
      ++next[item->producer];
      inbox.Pop();
      ++got;
    }
    for (std::thread& producer : producers) producer.join();
    EXPECT_TRUE(inbox.empty());
  }
}

}  // namespace
}  // namespace weft
