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

TEST(TomlReader, NamesTheListThatIsNotClosedAndGoesOnBelow) {
  const TomlReading reading = ReadToml("x = 1\n[a]\nb =  [1,\n\n[c]\nd = 4\n");
  ASSERT_EQ(reading.mistakes.size(), 1u);
  EXPECT_EQ(reading.mistakes[0].at.line, 3u);
  EXPECT_EQ(reading.mistakes[0].at.column, 6u);
  EXPECT_EQ(reading.mistakes[0].key, "a.b");
  EXPECT_EQ(reading.mistakes[0].what,
            "the value that begins in line 3 is not closed, expected ] at its end");
  EXPECT_EQ(reading.table["x"].value_or(0), 1);
  EXPECT_EQ(reading.table["c"]["d"].value_or(0), 4);
}

TEST(TomlReader, NamesTheListThatIsNotClosedWhateverStandsBelow) {
  for (const char* below : {"", "# end", "c = 3\n", "c = oops\nd = [1]\n", "[c]\nd = [\n1]\n",
                            "3\n[c]  # = no\nd = \"]\"\n"}) {
    const TomlReading reading = ReadToml(std::string("a = 1\nb = [1, 2\n") + below);
    ASSERT_FALSE(reading.mistakes.empty()) << below;
    EXPECT_EQ(reading.mistakes[0].at.line, 2u) << below;
    EXPECT_EQ(reading.mistakes[0].key, "b") << below;
    EXPECT_EQ(reading.table["a"].value_or(0), 1) << below;
  }
}

TEST(TomlReader, KeepsWhatStandsAboveAStringThatIsNotClosed) {
  for (const char* text :
       {"a = 1\nb = '''x\nc = 3\n", "a = 1\nb = \"\"\"\n[c]\n", "a = 1\nb = '''x\nc = '''y'''\n"}) {
    const TomlReading reading = ReadToml(text);
    ASSERT_EQ(reading.mistakes.size(), 1u) << text;
    EXPECT_EQ(reading.mistakes[0].at.line, 2u) << text;
    EXPECT_THAT(reading.mistakes[0].what, HasSubstr("is not closed")) << text;
    EXPECT_EQ(reading.table["a"].value_or(0), 1) << text;
    EXPECT_FALSE(reading.table.contains("c")) << text;
  }
}

TEST(TomlReader, LeavesOutOnlyTheValueThatIsWrongInside) {
  const TomlReading reading = ReadToml("a = [\n 1,\n oops,\n 2,\n]\nb = [1 2,\n3]\nc = 3\n");
  ASSERT_EQ(reading.mistakes.size(), 2u);
  EXPECT_EQ(reading.mistakes[0].at.line, 3u);
  EXPECT_EQ(reading.mistakes[1].at.line, 6u);
  EXPECT_EQ(reading.table["c"].value_or(0), 3);
}

TEST(TomlReader, ReadsSectionsApartThatTheTextCannotHold) {
  const TomlReading reading =
      ReadToml("a.x = 1\n[a]\ny = 1\n[b\nz = 08\nw = [\n[1],\n]\n[c}\nv = 1\n[d]\nu = 1\n");
  ASSERT_EQ(reading.mistakes.size(), 4u);
  ASSERT_EQ(reading.apart.size(), 3u);
  EXPECT_EQ(reading.apart[0]["a"]["y"].value_or(0), 1);
  EXPECT_EQ(reading.apart[1]["b"]["w"][0][0].value_or(0), 1);
  EXPECT_EQ(reading.apart[1]["b"]["w"].node()->source().begin.line, 6u);
  EXPECT_EQ(reading.apart[2]["c"]["v"].value_or(0), 1);
  EXPECT_EQ(reading.table["d"]["u"].value_or(0), 1);
  EXPECT_EQ(reading.table.size(), 2u);
}

TEST(TomlReader, SkipsASectionWhoseNameCannotBeTold) {
  const TomlReading reading = ReadToml("x = 1\n[ ..\ny = 1\n[c]\nz = 1\n");
  ASSERT_EQ(reading.mistakes.size(), 1u);
  EXPECT_TRUE(reading.apart.empty());
  EXPECT_EQ(reading.table["c"]["z"].value_or(0), 1);
}

TEST(TomlReader, TellsAtMostSoManyMistakes) {
  std::string text;
  for (size_t i = 0; i < 10 * kMostMistakes; ++i) text += "x\n";
  EXPECT_EQ(ReadToml("a = 1\n" + text).mistakes.size(), kMostMistakes);
  EXPECT_EQ(ReadToml("a = 1\n" + text).table["a"].value_or(0), 1);
  std::string headers;
  for (size_t i = 0; i < 10 * kMostMistakes; ++i) headers += "[a\nx\n";
  EXPECT_EQ(ReadToml(headers).mistakes.size(), kMostMistakes);
}

TEST(TomlReader, ReadsLongAndDeepTextWithoutHarm) {
  EXPECT_EQ(ReadToml("x = " + std::string(500'000, 'a')).mistakes.size(), 1u);
  EXPECT_FALSE(ReadToml("x = " + std::string(500'000, '[')).mistakes.empty());
  EXPECT_FALSE(ReadToml(std::string(500'000, '\n') + "=").mistakes.empty());
  EXPECT_FALSE(ReadToml(std::string("x = \0", 5)).mistakes.empty());
  std::string lists;
  for (int i = 0; i < 100'000; ++i) lists += "[1,\n";
  EXPECT_FALSE(ReadToml("x = " + lists).mistakes.empty());
  EXPECT_FALSE(ReadToml(lists).mistakes.empty());
}

}  // namespace
}  // namespace weft
