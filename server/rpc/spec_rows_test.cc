// Where a row stands in its message, by whatever way its index was reached.
#include "rpc/spec_rows.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

TEST(RowPath, CountsUpToTheMostRows) {
  RowPath path;
  for (size_t index = 0; index <= kMaxRows; ++index) {
    ASSERT_EQ(path.At(index), "specs[" + std::to_string(index) + "]");
  }
}

TEST(RowPath, NamesAnyIndexAfterAnyOther) {
  RowPath path("columns[");
  for (const size_t index : {9, 10, 10, 11, 8, 99, 100, 0, 1, 1'000, 999}) {
    EXPECT_EQ(path.At(index), "columns[" + std::to_string(index) + "]");
  }
}

}  // namespace
}  // namespace weft
