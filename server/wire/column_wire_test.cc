// Results that are added together come out as those that are added one by one.
#include "wire/column_wire.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>
#include <vector>

#include "weft/v1/task_service.pb.h"

namespace weft {
namespace {

std::string Encode(ResultColumns& columns) {
  std::string bytes(columns.Measure(), '\0');
  auto* const begin = reinterpret_cast<uint8_t*>(bytes.data());
  EXPECT_EQ(columns.Write(begin), begin + bytes.size());
  return bytes;
}

TaskResult Whole(const PlainResult& plain, const PlainResults& of) {
  TaskResult result;
  result.id = plain.id;
  result.client_tag = plain.client_tag;
  result.state = TaskState::kSucceeded;
  result.priority = of.priority;
  result.cpu = of.cpu;
  result.output = plain.output;
  result.submitted_at_ns = plain.submitted_at_ns;
  result.started_at_ns = plain.started_at_ns;
  result.completed_at_ns = plain.completed_at_ns;
  return result;
}

TEST(ResultColumns, SeveralAtOnceAreEncodedAsOneByOne) {
  const uint64_t seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::string text(40, 'x');
  for (int round = 0; round < 200; ++round) {
    ResultColumns one_by_one;
    ResultColumns together;
    size_t count = 0;
    for (size_t part = 0; part < 1 + random() % 4; ++part) {
      std::vector<PlainResult> plain(1 + random() % 40);
      PlainResults results{.each = plain,
                           .cpu = static_cast<uint32_t>(random() % 3),
                           .priority = static_cast<Priority>(random() % kPriorityCount)};
      const bool has_outputs = random() % 2 == 0;
      for (PlainResult& result : plain) {
        result.id = TaskId::Make(1, random() & TaskId::kSerialMask);
        result.client_tag = random() % 3;
        result.submitted_at_ns = 1 + static_cast<int64_t>(random() >> 2);
        result.started_at_ns = result.submitted_at_ns + 1;
        result.completed_at_ns = result.started_at_ns + static_cast<int64_t>(random() % 1000);
        if (has_outputs) result.output = std::string_view(text).substr(random() % 41);
        results.output_bytes += result.output.size();
        one_by_one.Add(Whole(result, results));
      }
      together.Add(results);
      count += plain.size();
    }
    ASSERT_EQ(together.count(), count) << "seed " << seed;
    ASSERT_EQ(together.outputs(), one_by_one.outputs()) << "seed " << seed;
    const std::string bytes = Encode(together);
    ASSERT_EQ(bytes, Encode(one_by_one)) << "seed " << seed;
    v1::StreamTasksResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(bytes)) << "seed " << seed;
    ASSERT_EQ(parsed.columns().count(), count) << "seed " << seed;
  }
}

}  // namespace
}  // namespace weft
