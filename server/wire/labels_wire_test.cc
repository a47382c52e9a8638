// Labels and filters from the wire: every limit of task.proto, each with the path of what is wrong.
#include "wire/labels_wire.h"

#include <gtest/gtest.h>

#include "task/labels.h"
#include "task/limits.h"
#include "wire/filter_wire.h"

namespace weft {
namespace {

std::optional<Refusal> Read(const LabelMap& map, std::string* labels) {
  return ReadLabels(map, "spec.labels", labels);
}

TEST(ReadLabels, PutsThePairsInOrderAndBack) {
  LabelMap map;
  map["b"] = "2";
  map["a"] = "1";
  map["A/b.c_d-9"] = "";
  std::string labels = "left from before";
  ASSERT_FALSE(Read(map, &labels));
  std::string_view rest = labels;
  EXPECT_EQ(TakeLabel(&rest).key, "A/b.c_d-9");
  EXPECT_EQ(TakeLabel(&rest).value, "1");
  EXPECT_EQ(TakeLabel(&rest).value, "2");
  EXPECT_TRUE(rest.empty());
  LabelMap back;
  back["old"] = "label";
  WriteLabels(labels, &back);
  EXPECT_EQ(back.size(), 3u);
  EXPECT_EQ(back.at("b"), "2");
  EXPECT_EQ(back.at("A/b.c_d-9"), "");
}

TEST(ReadLabels, RefusesOneTooMany) {
  LabelMap map;
  for (size_t i = 0; i < kMaxLabels; ++i) map["k" + std::to_string(i)] = "v";
  std::string labels;
  EXPECT_FALSE(Read(map, &labels));
  map["one-more"] = "v";
  const auto refusal = Read(map, &labels);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kInvalidField);
  EXPECT_EQ(refusal->field, "spec.labels");
  EXPECT_EQ(refusal->message, "spec.labels has 17 labels; at most 16 are allowed");
}

TEST(ReadLabels, RefusesKeysThatAreNotRight) {
  const std::string longest(kMaxLabelKeyBytes, 'k');
  std::string labels;
  LabelMap right;
  right[longest] = "v";
  EXPECT_FALSE(Read(right, &labels));
  const std::pair<std::string, std::string> keys[] = {
      {"", "spec.labels[\"\"]"},
      {longest + "k", "spec.labels[\"" + longest + "...\"]"},
      {"a b", "spec.labels[\"a b\"]"},
      {"k=v", "spec.labels[\"k=v\"]"},
      {"new\nline", "spec.labels[\"new\\nline\"]"}};
  for (const auto& [key, path] : keys) {
    LabelMap map;
    map["fine"] = "v";
    map[key] = "v";
    const auto refusal = Read(map, &labels);
    ASSERT_TRUE(refusal) << key;
    EXPECT_EQ(refusal->field, path);
    EXPECT_NE(refusal->message.find("1 to 63 characters"), std::string::npos) << refusal->message;
  }
}

TEST(ReadLabels, RefusesAValueThatIsTooLong) {
  LabelMap map;
  map["k"] = std::string(kMaxLabelValueBytes, 'v');
  std::string labels;
  EXPECT_FALSE(Read(map, &labels));
  map["k"].push_back('v');
  const auto refusal = Read(map, &labels);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->field, "spec.labels[\"k\"]");
  EXPECT_EQ(refusal->message,
            "spec.labels[\"k\"] has a value of 129 bytes; at most 128 are allowed");
}

TEST(ReadTaskFilter, MeansEveryTaskWhenEmpty) {
  std::string labels;
  TaskFilter filter;
  filter.handler = "old";
  filter.cpu = 3;
  ASSERT_FALSE(ReadTaskFilter({}, "filter", &labels, &filter));
  EXPECT_TRUE(filter.Matches({}));
}

TEST(ReadTaskFilter, TakesEveryPart) {
  v1::TaskFilter message;
  message.add_states(v1::TASK_STATE_QUEUED);
  message.add_states(v1::TASK_STATE_EXPIRED);
  message.set_handler("echo");
  message.set_core(0);
  (*message.mutable_labels())["app"] = "shop";
  std::string labels;
  TaskFilter filter;
  ASSERT_FALSE(ReadTaskFilter(message, "filter", &labels, &filter));
  EXPECT_EQ(filter.states,
            TaskFilter::Bit(TaskState::kQueued) | TaskFilter::Bit(TaskState::kExpired));
  EXPECT_EQ(filter.handler, "echo");
  EXPECT_EQ(filter.cpu, std::optional<uint32_t>(0));
  EXPECT_EQ(filter.labels, labels);
  EXPECT_EQ(TakeLabel(&filter.labels).value, "shop");
}

TEST(ReadTaskFilter, RefusesStatesAndLabelsThatCannotBe) {
  std::string labels;
  TaskFilter filter;
  for (const int state : {0, 8, -1}) {
    v1::TaskFilter message;
    message.add_states(v1::TASK_STATE_QUEUED);
    message.add_states(static_cast<v1::TaskState>(state));
    const auto refusal = ReadTaskFilter(message, "filter", &labels, &filter);
    ASSERT_TRUE(refusal) << state;
    EXPECT_EQ(refusal->field, "filter.states[1]");
    EXPECT_NE(refusal->message.find(std::to_string(state)), std::string::npos);
  }
  v1::TaskFilter message;
  (*message.mutable_labels())["no spaces"] = "v";
  EXPECT_EQ(ReadTaskFilter(message, "filter", &labels, &filter)->field,
            "filter.labels[\"no spaces\"]");
}

}  // namespace
}  // namespace weft
