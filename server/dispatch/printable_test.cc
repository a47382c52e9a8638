#include "dispatch/printable.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Readable, TellsDurationsToThreeDigitsInTheUnitThatSuits) {
  EXPECT_EQ(Readable(0), "0 ns");
  EXPECT_EQ(Readable(999), "999 ns");
  EXPECT_EQ(Readable(1'000), "1 us");
  EXPECT_EQ(Readable(4'200'000), "4.2 ms");
  EXPECT_EQ(Readable(1'234'567), "1.23 ms");
  EXPECT_EQ(Readable(999'499), "999 us");
  EXPECT_EQ(Readable(999'501), "1 ms") << "not 1e+03 us";
  EXPECT_EQ(Readable(60'000'000'000), "60 s");
  EXPECT_EQ(Readable(86'400'000'000'000), "86400 s");
}

TEST(Quoted, CutsAndEscapesWhatAClientSent) {
  EXPECT_EQ(Quoted("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(Quoted(std::string(100, 'x')), "\"" + std::string(64, 'x') + "...\"");
}

}  // namespace
}  // namespace weft
