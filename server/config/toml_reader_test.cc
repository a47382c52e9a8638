// Texts that are no TOML: what is told of them, and how much is read all the same.
#include "config/toml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using testing::HasSubstr;

// The only mistake of the text.
TomlReading::Mistake Mistake(const std::string& text) {
  const TomlReading reading = ReadToml(text);
  EXPECT_EQ(reading.mistakes.size(), 1u) << text;
  return reading.mistakes.empty() ? TomlReading::Mistake() : reading.mistakes[0];
}

TEST(TomlReader, ReadsWhatIsRight) {
  const TomlReading reading = ReadToml("\xef\xbb\xbf[log]\r\nlevel = \"info\"\r\n");
  EXPECT_TRUE(reading.mistakes.empty());
  EXPECT_EQ(reading.table["log"]["level"].value_or(std::string()), "info");
}

TEST(TomlReader, TellsBothPlacesOfAKeyThatStandsTwice) {
  const auto mistake = Mistake("[a]\n  key = 1\n[b]\nkey = 3\n[c]\nx = 1\n  x = [\n1,\n2]\n");
  EXPECT_EQ(mistake.key, "c.x");
  EXPECT_EQ(mistake.at.line, 7u);
  EXPECT_EQ(mistake.at.column, 3u);
  EXPECT_EQ(mistake.what, "stands twice, first in line 6, expected once");
  EXPECT_EQ(Mistake("a.b = 1\na.b = 2\n").key, "a.b");
  EXPECT_EQ(Mistake("a = { b = 1, b = 2 }\n").at.line, 1u);
}

TEST(TomlReader, TellsBothPlacesOfASectionThatStandsTwice) {
  const TomlReading reading = ReadToml("[a]\nx = 1\n[b]\n[a]\ny = 1\n[c]\nz = 1\n");
  ASSERT_EQ(reading.mistakes.size(), 1u);
  EXPECT_EQ(reading.mistakes[0].key, "a");
  EXPECT_EQ(reading.mistakes[0].at.line, 4u);
  EXPECT_THAT(reading.mistakes[0].what, HasSubstr("first in line 1"));
  EXPECT_EQ(reading.table["c"]["z"].value_or(0), 1);
}

TEST(TomlReader, NamesAStringWithoutItsQuotes) {
  const auto mistake = Mistake("[log]\nlevel = info  # not loud\n");
  EXPECT_EQ(mistake.key, "log.level");
  EXPECT_EQ(mistake.at.line, 2u);
  EXPECT_EQ(mistake.at.column, 9u);
  EXPECT_EQ(mistake.what, "info is not right, expected quotes around a string: level = \"info\"");
}

TEST(TomlReader, TellsTheLineOfBytesThatAreNoUtf8) {
  const auto mistake = Mistake("# caf\xc3\xa9\n# caf\xe9\nx = 1\n");
  EXPECT_EQ(mistake.at.line, 2u);
  EXPECT_THAT(mistake.what, HasSubstr("utf-8"));
}

TEST(TomlReader, GoesOnBehindALineThatIsNoToml) {
  const TomlReading reading = ReadToml("x 1\ny = 08\n[broken\nz = 1\n[c]\nw = 1\n");
  ASSERT_EQ(reading.mistakes.size(), 3u);
  EXPECT_EQ(reading.mistakes[0].at.line, 1u);
  EXPECT_EQ(reading.mistakes[1].at.line, 2u);
  EXPECT_EQ(reading.mistakes[2].at.line, 3u);
  EXPECT_EQ(reading.table["c"]["w"].value_or(0), 1);
  EXPECT_FALSE(reading.table.contains("z"));
}

TEST(TomlReader, StopsWhereLinesBelowWouldBeBlamedForTheOneAbove) {
  const TomlReading reading = ReadToml("a = 1\nb = [1, 2\nc = 3\nd = 4\n");
  ASSERT_EQ(reading.mistakes.size(), 1u);
  EXPECT_EQ(reading.mistakes[0].at.line, 3u);
  EXPECT_FALSE(reading.table.contains("d"));
}

TEST(TomlReader, TellsAtMostSoManyMistakes) {
  std::string text;
  for (int i = 0; i < 10 * kMostMistakes; ++i) text += "x\n";
  EXPECT_EQ(ReadToml(text).mistakes.size(), static_cast<size_t>(kMostMistakes));
}

TEST(TomlReader, ReadsLongAndDeepTextWithoutHarm) {
  EXPECT_EQ(ReadToml("x = " + std::string(500'000, 'a')).mistakes.size(), 1u);
  EXPECT_FALSE(ReadToml("x = " + std::string(500'000, '[')).mistakes.empty());
  EXPECT_FALSE(ReadToml(std::string(500'000, '\n') + "=").mistakes.empty());
  EXPECT_FALSE(ReadToml(std::string("x = \0", 5)).mistakes.empty());
}

}  // namespace
}  // namespace weft
