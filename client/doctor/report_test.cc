#include "client/doctor/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

// Proves what people read and scripts parse.
namespace weft::doctor {
namespace {

using testing::HasSubstr;

const std::vector<Check> kChecks = {
    {"kernel", Level::kOk, "Linux 6.1", ""},
    {"wake-up", Level::kWarning, "a sleeping thread runs after 80.0 µs", "spin"},
    {"gRPC address", Level::kError, "taken by \"x\"\n\x1b[2J", "stop it"},
};

std::string Text(const std::vector<Check>& checks, bool has_colour) {
  std::ostringstream out;
  WriteText(checks, has_colour, out);
  return out.str();
}

TEST(WriteText, AlignsLevelsNamesAndFixes) {
  EXPECT_EQ(Text(kChecks, false),
            "ok       kernel         Linux 6.1\n"
            "warning  wake-up        a sleeping thread runs after 80.0 µs\n"
            "                        fix: spin\n"
            "error    gRPC address   taken by \"x\"  [2J\n"
            "                        fix: stop it\n"
            "1 ok, 1 warning, 1 error\n");
}

TEST(WriteText, StaysWithin100Columns) {
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word ";
  std::istringstream lines(Text({{"name", Level::kError, words, words}}, false));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_LE(line.size(), 100U) << line;
    EXPECT_TRUE(line.find("word") == std::string::npos || line.find("word") >= 24) << line;
  }
  EXPECT_GT(count, 8);
}

TEST(WriteText, ColoursTheLevelOnlyWhenAsked) {
  EXPECT_THAT(Text(kChecks, true), HasSubstr("\x1b[1;33mwarning  \x1b[0mwake-up"));
  EXPECT_EQ(Text(kChecks, false).find('\x1b'), std::string::npos);
}

TEST(WriteJson, HasEveryField) {
  std::ostringstream out;
  WriteJson(kChecks, out);
  EXPECT_THAT(out.str(),
              HasSubstr("{\"name\": \"kernel\", \"level\": \"ok\",\n  \"found\": \"Linux "
                        "6.1\",\n  \"fix\": \"\"},\n"));
  EXPECT_THAT(out.str(), HasSubstr("\"taken by \\\"x\\\"\\n\\u001b[2J\""));
  EXPECT_EQ(out.str().substr(0, 2), "[\n");
}

TEST(WorstOf, IsOkWithoutChecks) {
  EXPECT_EQ(WorstOf({}), Level::kOk);
  EXPECT_EQ(WorstOf(kChecks), Level::kError);
  EXPECT_EQ(WorstOf({kChecks[1], kChecks[0]}), Level::kWarning);
}

}  // namespace
}  // namespace weft::doctor
