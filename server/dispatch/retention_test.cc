#include "dispatch/retention.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

TaskSummary Result(uint64_t serial, std::string_view output, std::string_view error = {}) {
  TaskResult result;
  result.id = TaskId::Make(0, serial);
  result.output = output;
  result.error_message = error;
  result.total_latency_ns = static_cast<int64_t>(serial) * 10;
  return {.result = result, .handler = "echo"};
}

TEST(Retention, KeepsItsOwnCopyOfSmallAndLargeResults) {
  Retention retention({.max_age = 100, .max_count = 4, .max_bytes = 1000});
  std::string output(10, 'a');
  std::string large(200, 'b');
  std::string error = "it broke";
  const uint32_t small_record = retention.Keep(Result(1, output, error), 0);
  const uint32_t large_record = retention.Keep(Result(2, large, error), 0);
  output.assign(10, 'x');
  large.assign(200, 'x');
  error.assign(8, 'x');
  EXPECT_EQ(retention.View(small_record).result.output, std::string(10, 'a'));
  EXPECT_EQ(retention.View(small_record).result.error_message, "it broke");
  EXPECT_EQ(retention.View(small_record).result.total_latency_ns, 10);
  EXPECT_EQ(retention.View(large_record).result.output, std::string(200, 'b'));
  EXPECT_EQ(retention.View(large_record).result.error_message, "it broke");
  EXPECT_EQ(retention.count(), 2u);
  EXPECT_EQ(retention.bytes(), 226u);
}

TEST(Retention, KeepsLabelsAndCountsTheirBytes) {
  Retention retention({.max_age = 100, .max_count = 4, .max_bytes = 200});
  std::string labels(20, 'l');
  TaskSummary task = Result(1, "output", "error");
  task.labels = labels;
  EXPECT_EQ(Retention::BytesOf(task), 31u);
  const uint32_t small_record = retention.Keep(task, 0);
  std::string many(150, 'm');
  task.labels = many;
  const uint32_t large_record = retention.Keep(task, 0);
  labels.assign(20, 'x');
  many.assign(150, 'x');
  EXPECT_EQ(retention.View(small_record).labels, std::string(20, 'l'));
  EXPECT_EQ(retention.View(small_record).handler, "echo");
  EXPECT_EQ(retention.View(large_record).labels, std::string(150, 'm'));
  EXPECT_EQ(retention.View(large_record).result.error_message, "error");
  EXPECT_EQ(retention.bytes(), 31u + 161u);
  EXPECT_EQ(retention.MustDrop(9), DropBound::kBytes);
  retention.DropOldest(DropBound::kBytes);
  EXPECT_EQ(retention.bytes(), 161u);
}

TEST(Retention, AsksForTheOldestToGoWhenTheCountIsReached) {
  Retention retention({.max_age = 100, .max_count = 2, .max_bytes = 1000});
  retention.Keep(Result(1, "a"), 0);
  EXPECT_FALSE(retention.MustDrop(1));
  retention.Keep(Result(2, "b"), 0);
  EXPECT_EQ(retention.MustDrop(1), DropBound::kCount);
  EXPECT_EQ(retention.DropOldest(DropBound::kCount), TaskId::Make(0, 1));
  EXPECT_FALSE(retention.MustDrop(1));
  EXPECT_EQ(retention.dropped(DropBound::kCount), 1u);
}

TEST(Retention, KeepsAsManyAsItsBoundRoundAfterRound) {
  constexpr uint32_t kCount = 300;  // More than two blocks of records, and not a whole number.
  Retention retention({.max_age = 100, .max_count = kCount, .max_bytes = 1'000'000});
  std::vector<uint32_t> records(kCount);
  for (uint64_t serial = 1; serial <= 3 * kCount; ++serial) {
    if (retention.MustDrop(1)) {
      EXPECT_EQ(retention.DropOldest(DropBound::kCount), TaskId::Make(0, serial - kCount));
    }
    records[serial % kCount] = retention.Keep(Result(serial, "a"), 0);
  }
  EXPECT_EQ(retention.count(), kCount);
  for (uint64_t serial = 2 * kCount + 1; serial <= 3 * kCount; ++serial) {
    EXPECT_EQ(retention.View(records[serial % kCount]).result.id, TaskId::Make(0, serial));
  }
}

TEST(Retention, AsksForTheOldestToGoWhenTheBytesAreReached) {
  Retention retention({.max_age = 100, .max_count = 9, .max_bytes = 10});
  retention.Keep(Result(1, "12345"), 0);
  EXPECT_FALSE(retention.MustDrop(5));
  EXPECT_EQ(retention.MustDrop(6), DropBound::kBytes);
  EXPECT_EQ(retention.DropOldest(DropBound::kBytes), TaskId::Make(0, 1));
  EXPECT_EQ(retention.bytes(), 0u);
  EXPECT_FALSE(retention.MustDrop(10));
}

TEST(Retention, TellsWhenTheOldestIsOverAge) {
  Retention retention({.max_age = 100, .max_count = 9, .max_bytes = 10});
  EXPECT_EQ(retention.next_expiry(), sys::kTicksForever);
  retention.Keep(Result(1, "1"), 50);
  retention.Keep(Result(2, "2"), 60);
  EXPECT_EQ(retention.next_expiry(), 150);
  EXPECT_EQ(retention.OldestMustGo(149), std::nullopt);
  EXPECT_EQ(retention.OldestMustGo(150), DropBound::kAge);
  retention.DropOldest(DropBound::kAge);
  EXPECT_EQ(retention.OldestMustGo(159), std::nullopt);
  EXPECT_EQ(retention.OldestMustGo(160), DropBound::kAge);
}

TEST(Retention, NeverFitsWhatIsLargerThanAllOfIt) {
  Retention retention({.max_age = 100, .max_count = 9, .max_bytes = 10});
  EXPECT_FALSE(retention.NeverFits(10));
  EXPECT_EQ(retention.NeverFits(11), DropBound::kBytes);
  Retention none({.max_age = 100, .max_count = 0, .max_bytes = 10});
  EXPECT_EQ(none.NeverFits(0), DropBound::kCount);
}

TEST(Retention, StaysInOrderAfterOneInTheMiddleWasForgotten) {
  Retention retention({.max_age = 100, .max_count = 3, .max_bytes = 100});
  retention.Keep(Result(1, "a"), 0);
  const uint32_t middle = retention.Keep(Result(2, "b"), 1);
  retention.Keep(Result(3, "c"), 2);
  retention.Forget(middle);
  EXPECT_EQ(retention.count(), 2u);
  EXPECT_EQ(retention.bytes(), 2u);
  EXPECT_EQ(retention.dropped(DropBound::kDirectory), 1u);
  EXPECT_EQ(retention.DropOldest(DropBound::kAge), TaskId::Make(0, 1));
  EXPECT_EQ(retention.DropOldest(DropBound::kAge), TaskId::Make(0, 3));
  EXPECT_EQ(retention.count(), 0u);
  const uint32_t again = retention.Keep(Result(4, "d"), 3);
  EXPECT_EQ(retention.View(again).result.output, "d");
}

}  // namespace
}  // namespace weft
