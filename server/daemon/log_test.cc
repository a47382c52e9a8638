// The lines of the log in both formats: one a line, whatever the values contain.
#include "daemon/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>

namespace weft {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

std::string Line(LogFormat format, std::initializer_list<LogField> fields) {
  std::ostringstream out;
  Log log(LogLevel::kInfo, format, std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  log.Info("some_event", fields);
  return out.str();
}

TEST(Log, WritesKeysAndValues) {
  EXPECT_THAT(Line(LogFormat::kText, {{"cpus", "1-3"}, {"count", 3}, {"pinned", true}}),
              MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9:.]+Z info some_event cpus=1-3 count=3 "
                           "pinned=true\n"));
}

TEST(Log, QuotesWhatWouldBreakALine) {
  EXPECT_THAT(Line(LogFormat::kText, {{"a", "x y"}, {"b", "1\n2"}, {"c", ""}, {"d", "q\"={}"}}),
              testing::EndsWith(" a=\"x y\" b=\"1\\n2\" c=\"\" d=\"q\\\"={}\"\n"));
}

TEST(Log, WritesOneJsonObjectALine) {
  EXPECT_THAT(
      Line(LogFormat::kJson, {{"count", 3}, {"pinned", false}, {"text", "q\"\\\n"}}),
      testing::EndsWith("\"level\":\"info\",\"event\":\"some_event\",\"count\":3,\"pinned\":false,"
                        "\"text\":\"q\\\"\\\\\\u000a\"}\n"));
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  std::ostringstream out;
  Log log(LogLevel::kWarn, LogFormat::kText, std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  log.Info("quiet");
  EXPECT_EQ(out.str(), "");
  log.Warn("loud");
  EXPECT_THAT(out.str(), testing::EndsWith(" warn loud\n"));
}

TEST(Log, TakesUpAnotherLevelAndFormat) {
  std::ostringstream out;
  Log log(LogLevel::kError, LogFormat::kText,
          std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
  log.Info("unheard");
  log.Reconfigure(LogLevel::kInfo, LogFormat::kJson);
  log.Info("heard");
  EXPECT_THAT(out.str(), HasSubstr("\"event\":\"heard\""));
  EXPECT_THAT(out.str(), Not(HasSubstr("unheard")));
}

}  // namespace
}  // namespace weft
