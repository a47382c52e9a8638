// What payloads may write as a duration, and what the refusal of anything else says.
#include "handlers/payload_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

TEST(ParseDuration, ReadsEachUnit) {
  EXPECT_EQ(ParseDurationNs("500ns").value(), 500);
  EXPECT_EQ(ParseDurationNs("250us").value(), 250'000);
  EXPECT_EQ(ParseDurationNs("10ms").value(), 10'000'000);
  EXPECT_EQ(ParseDurationNs("3s").value(), 3'000'000'000);
  EXPECT_EQ(ParseDurationNs("0ns").value(), 0);
  EXPECT_EQ(ParseDurationNs("86400s").value(), 86'400'000'000'000);
}

TEST(ParseDuration, RefusesWhatIsNotANumberAndAUnit) {
  for (const char* text : {"", "10", "ms", "-1ms", "+1ms", "1.5ms", " 1ms", "1 ms", "1ms ", "1MS",
                           "1m", "1h", "1msx", "0x1s", "1e3ns"}) {
    const absl::StatusOr<int64_t> duration = ParseDurationNs(text);
    ASSERT_FALSE(duration.ok()) << text;
    EXPECT_THAT(std::string(duration.status().message()),
                testing::AllOf(testing::HasSubstr(std::string("\"") + text + "\""),
                               testing::HasSubstr("ns, us, ms or s")));
  }
}

TEST(ParseDuration, RefusesMoreThanADay) {
  for (const char* text : {"86401s", "86400000000001ns", "99999999999999999999999999s"}) {
    const absl::StatusOr<int64_t> duration = ParseDurationNs(text);
    ASSERT_FALSE(duration.ok()) << text;
    EXPECT_THAT(std::string(duration.status().message()), testing::HasSubstr("at most 86400s"));
  }
}

TEST(QuoteForMessage, CutsLongTextAndEscapesBytes) {
  EXPECT_EQ(QuoteForMessage("plain"), "\"plain\"");
  EXPECT_EQ(QuoteForMessage(std::string_view("a\n\0\xff", 4)), "\"a\\n\\x00\\xff\"");
  EXPECT_EQ(QuoteForMessage(std::string(1000, 'x')), "\"" + std::string(48, 'x') + "\" (cut)");
}

}  // namespace
}  // namespace weft
