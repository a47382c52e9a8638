// Proves the arithmetic of the cells and that a reader on another thread never sees a counter go
// back (run under ThreadSanitizer, it also proves that reading beside the writer is no race).
#include "metrics/cell.h"

#include <thread>

#include "gtest/gtest.h"

namespace weft {
namespace {

TEST(Counter, AddsOneOrMore) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0u);
  counter.Add();
  counter.Add(41);
  EXPECT_EQ(counter.value(), 42u);
}

TEST(Counter, NeverGoesBackForAReader) {
  constexpr uint64_t kAdds = 100'000;
  Counter counter;
  std::thread writer([&counter] {
    for (uint64_t i = 0; i < kAdds; ++i) counter.Add();
  });
  uint64_t previous = 0;
  while (previous < kAdds) {
    const uint64_t now = counter.value();
    ASSERT_GE(now, previous);
    previous = now;
  }
  writer.join();
  EXPECT_EQ(counter.value(), kAdds);
}

TEST(Gauge, GoesUpAndDown) {
  Gauge gauge;
  gauge.Add(5);
  gauge.Add(-7);
  EXPECT_EQ(gauge.value(), -2);
  gauge.Set(9);
  EXPECT_EQ(gauge.value(), 9);
}

}  // namespace
}  // namespace weft
