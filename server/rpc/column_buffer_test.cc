// Results that wait as columns leave in messages that are not too large, in the order they came.
#include "rpc/column_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "task/limits.h"
#include "weft/v1/task_service.pb.h"

namespace weft {
namespace {

class ColumnBufferTest : public ::testing::Test {
 protected:
  PlainResults Results(size_t count, size_t output_bytes) {
    output_.assign(output_bytes, 'x');
    plain_.assign(count, {});
    for (PlainResult& result : plain_) {
      result.id = TaskId::Make(0, ++serial_);
      result.completed_at_ns = 1;
      result.output = output_;
    }
    return {.each = plain_, .output_bytes = count * output_bytes};
  }
  // Takes all there is; how many were in each message.
  std::vector<size_t> TakeAll(ColumnBuffer& buffer) {
    std::vector<size_t> counts;
    std::vector<grpc::Slice> slices;
    while (const size_t count = buffer.Take(&slices)) {
      counts.push_back(count);
      v1::StreamTasksResponse message;
      EXPECT_TRUE(
          message.ParseFromArray(slices.back().begin(), static_cast<int>(slices.back().size())));
      EXPECT_EQ(message.columns().count(), count);
      for (const uint64_t id : message.columns().task_ids()) {
        EXPECT_EQ(id, TaskId::Make(0, ++taken_).value());
      }
      largest_ = std::max(largest_, slices.back().size());
    }
    EXPECT_EQ(buffer.rows(), 0u);
    EXPECT_EQ(buffer.bytes(), 0u);
    return counts;
  }

  ColumnChunks pool_;
  std::string output_;
  std::vector<PlainResult> plain_;
  uint64_t serial_ = 0;
  uint64_t taken_ = 0;
  size_t largest_ = 0;
};

TEST_F(ColumnBufferTest, TakesSeveralAtOnce) {
  ColumnBuffer buffer(pool_, 1 << 20);
  buffer.Add(Results(32, 4));
  buffer.Add(Results(8, 0));
  EXPECT_EQ(buffer.rows(), 40u);
  EXPECT_EQ(buffer.bytes(),
            ColumnBuffer::BytesOf(Results(32, 4)) + ColumnBuffer::BytesOf(Results(8, 0)));
  serial_ = 40;
  EXPECT_EQ(TakeAll(buffer), std::vector<size_t>{40});
}

TEST_F(ColumnBufferTest, BeginsAnotherMessageWhereOneIsFull) {
  ColumnBuffer buffer(pool_, 1 << 20);
  for (size_t i = 0; i < kMaxRows / 32; ++i) buffer.Add(Results(32, 0));
  buffer.Add(Results(32, 0));
  EXPECT_EQ(TakeAll(buffer), (std::vector<size_t>{kMaxRows, 32}));
  ColumnBuffer small(pool_, 400);
  small.Add(Results(3, 0));
  small.Add(Results(3, 0));
  EXPECT_EQ(TakeAll(small), (std::vector<size_t>{3, 3}));
}

TEST_F(ColumnBufferTest, DividesWhatIsTooMuchForOneMessage) {
  ColumnBuffer buffer(pool_, 1'000);
  buffer.Add(Results(10, 200));  // 272 bytes each.
  EXPECT_EQ(TakeAll(buffer), (std::vector<size_t>{3, 3, 3, 1}));
  EXPECT_LE(largest_, 1'000u);
  buffer.Add(Results(2, 2'000));  // Each alone is too large.
  EXPECT_EQ(TakeAll(buffer), (std::vector<size_t>{1, 1}));
}

}  // namespace
}  // namespace weft
