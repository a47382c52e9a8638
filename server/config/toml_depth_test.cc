// Names that are too deep, wherever a line may have one.
#include "config/toml_depth.h"

#include <gtest/gtest.h>

#include <string>

#include "config/toml_reader.h"

namespace weft {
namespace {

std::string Dotted(size_t parts, const std::string& part = "a") {
  std::string name = part;
  for (size_t i = 1; i < parts; ++i) name += "." + part;
  return name;
}

TEST(FindDeepName, FindsItInAHeaderAKeyAndATable) {
  const std::string deep = Dotted(kMostNameParts + 1);
  EXPECT_EQ(FindDeepName(deep + " = 1"), 0u);
  EXPECT_EQ(FindDeepName("[" + deep + "]"), 1u);
  EXPECT_EQ(FindDeepName("[[" + deep + "]]"), 2u);
  EXPECT_EQ(FindDeepName("x = {b = 1,c." + deep + " = 2}"), 11u);
  EXPECT_EQ(FindDeepName(Dotted(kMostNameParts + 1, "\"a.b\"") + " = 1"), 0u);
}

TEST(FindDeepName, LeavesTheRestAlone) {
  EXPECT_FALSE(FindDeepName(Dotted(kMostNameParts) + " = 1").has_value());
  const std::string dots(1'000, '.');
  EXPECT_FALSE(FindDeepName("a = \"" + dots + "\\\"" + dots + "\" # " + dots).has_value());
  EXPECT_FALSE(FindDeepName("a = '" + dots + "'").has_value());
  EXPECT_FALSE(FindDeepName("").has_value());
}

TEST(TomlReader, RefusesNamesThatWouldOverflowTheStack) {
  const std::string deep = Dotted(300'000);
  for (const std::string& line : {deep + " = 1", "[" + deep + "]", "x = {" + deep + " = 1}"}) {
    const TomlReading reading = ReadToml("[executor]\nspin_us = 7\n" + line + "\n");
    ASSERT_EQ(reading.mistakes.size(), 1u);
    EXPECT_EQ(reading.mistakes[0].at.line, 3u);
    EXPECT_NE(reading.mistakes[0].what.find("64 parts"), std::string::npos);
    EXPECT_EQ(reading.table["executor"]["spin_us"].value<int>(), 7);
  }
}

}  // namespace
}  // namespace weft
