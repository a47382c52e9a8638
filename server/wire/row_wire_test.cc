// Rows written by hand are the bytes that the generated code writes, for whatever a result holds.
#include "wire/row_wire.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "weft/v1/task_service.pb.h"
#include "wire/task_wire.h"

namespace weft {
namespace {

std::string ByHand(const TaskResult& result) {
  const RowBytes bytes = MeasureRow(result);
  std::string row(bytes.whole, '\0');
  auto* const begin = reinterpret_cast<uint8_t*>(row.data());
  EXPECT_EQ(WriteRow(result, bytes, begin), begin + row.size());
  return row;
}

std::string Generated(const TaskResult& result) {
  v1::StreamTasksResponse response;
  v1::StreamTasksRow* const row = response.add_rows();
  row->set_client_tag(result.client_tag);
  WriteTaskResult(result, row->mutable_result());
  return response.SerializeAsString();
}

TEST(RowWire, WritesAnEmptyResultAsTheGeneratedCodeDoes) {
  EXPECT_EQ(ByHand(TaskResult()), Generated(TaskResult()));
}

TEST(RowWire, WritesAnyResultAsTheGeneratedCodeDoes) {
  const char* const given = std::getenv("WEFT_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE(testing::Message() << "WEFT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  // Of any magnitude, and often the default.
  const auto number = [&random] { return random() % 4 == 0 ? 0 : random() >> random() % 64; };
  const auto time = [&number] { return static_cast<int64_t>(number()); };
  const auto text = [&] { return std::string(random() % 3 == 0 ? 0 : random() % 20'000, 'x'); };
  for (int round = 0; round < 2'000; ++round) {
    const std::string output = text();
    const std::string message = text();
    TaskResult result;
    result.id = TaskId(number());
    result.client_tag = number();
    result.state = static_cast<TaskState>(random() % kTaskStateCount);
    result.error_code = static_cast<TaskErrorCode>(random() % 9);
    result.priority = static_cast<Priority>(random() % kPriorityCount);
    result.attempts = static_cast<uint8_t>(number());
    result.cpu = static_cast<uint32_t>(number());
    result.output = output;
    result.error_message = message;
    result.submitted_at_ns = time();
    result.started_at_ns = time();
    result.completed_at_ns = time();
    result.queue_latency_ns = time();
    result.execution_latency_ns = time();
    result.suspended_ns = time();
    result.total_latency_ns = time();
    result.off_core_ns = random() % 2 == 0 ? TaskResult::kNotTold : time();
    ASSERT_EQ(ByHand(result), Generated(result)) << "round " << round;
  }
}

TEST(RowWire, RowsInARowAreOneMessage) {
  TaskResult result;
  std::string bytes;
  for (uint64_t tag = 1; tag <= 3; ++tag) {
    result.client_tag = tag;
    bytes += ByHand(result);
  }
  v1::StreamTasksResponse response;
  ASSERT_TRUE(response.ParseFromString(bytes));
  ASSERT_EQ(response.rows_size(), 3);
  EXPECT_EQ(response.rows(2).client_tag(), 3u);
}

}  // namespace
}  // namespace weft
