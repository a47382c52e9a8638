#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "client/doctor/check.h"

namespace weft::doctor {

// That the check is of the level and says so; one that is not ok must have a fix, with `fix` in it,
// and one that is ok must have none. For tests.
inline void ExpectCheck(const Check& check, Level level, const std::string& found,
                        const std::string& fix = "") {
  EXPECT_EQ(check.level, level) << check.found;
  EXPECT_THAT(check.found, testing::HasSubstr(found));
  EXPECT_THAT(check.fix, testing::HasSubstr(fix));
  EXPECT_EQ(check.fix.empty(), level == Level::kOk) << check.fix;
}

}  // namespace weft::doctor
