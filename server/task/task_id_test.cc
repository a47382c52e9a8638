// Proves that ids keep core and serial apart, and that only their exact text form is read.
#include "task/task_id.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(TaskId, KeepsCoreAndSerialApart) {
  const TaskId id = TaskId::Make(255, TaskId::kSerialMask);
  EXPECT_EQ(id.core_index(), 255U);
  EXPECT_EQ(id.serial(), TaskId::kSerialMask);
  EXPECT_EQ(TaskId::Make(3, TaskId::kSerialMask + 6).core_index(), 3U);
  EXPECT_EQ(TaskId::Make(3, TaskId::kSerialMask + 6).serial(), 5U);
}

TEST(TaskId, SerialsOfALaterBootAreLarger) {
  constexpr int64_t kBoot = 1'790'000'000'000'000'000;
  // A boot one second later starts beyond all serials of 15 million tasks a second before it.
  EXPECT_EQ(FirstSerial(kBoot + 1'000'000'000) - FirstSerial(kBoot), 15'625'000U);
}

TEST(TaskId, ReadsItsTextForm) {
  EXPECT_EQ(ParseTaskId("18446744073709551615")->value(), UINT64_MAX);
  EXPECT_EQ(ParseTaskId("1")->value(), 1U);
}

TEST(TaskId, RefusesAnythingElse) {
  for (const char* text :
       {"", "0", "-1", "+1", " 1", "1 ", "0x10", "1e3", "12a", "18446744073709551616", "abc"}) {
    EXPECT_FALSE(ParseTaskId(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace weft
