#include "task/task_filter.h"

#include <gtest/gtest.h>

#include <string>

#include "task/labels.h"

namespace weft {
namespace {

TEST(TaskFilter, MeansTheTasksForWhichEveryPartHolds) {
  std::string labels;
  AppendLabel({"app", "shop"}, &labels);
  TaskSummary task;
  task.result.state = TaskState::kFailed;
  task.result.cpu = 3;
  task.handler = "echo";
  task.labels = labels;
  EXPECT_TRUE(TaskFilter().Matches(task));
  const TaskFilter exact = {
      .states = TaskFilter::Bit(TaskState::kFailed), .handler = "echo", .cpu = 3, .labels = labels};
  EXPECT_TRUE(exact.Matches(task));
  std::string other_labels;
  AppendLabel({"app", "bank"}, &other_labels);
  TaskFilter other = exact;
  other.states = TaskFilter::kAllStates & ~TaskFilter::Bit(TaskState::kFailed);
  EXPECT_FALSE(other.Matches(task));
  other = exact;
  other.handler = "ech";
  EXPECT_FALSE(other.Matches(task));
  other = exact;
  other.cpu = 4;
  EXPECT_FALSE(other.Matches(task));
  other = exact;
  other.labels = other_labels;
  EXPECT_FALSE(other.Matches(task));
}

}  // namespace
}  // namespace weft
