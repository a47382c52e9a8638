// Values as TOML writes them; each is read again by the loader's own reader.
#include "config/toml_text.h"

#include <gtest/gtest.h>

#include <string>

#include "config/toml_reader.h"

namespace weft {
namespace {

TEST(TomlText, WritesEveryKindOfValue) {
  EXPECT_EQ(ToToml(true), "true");
  EXPECT_EQ(ToToml(int64_t{-7}), "-7");
  EXPECT_EQ(ToToml(std::string("a b")), "\"a b\"");
  EXPECT_EQ(ToToml(std::vector<std::string>{"a", "b"}), "[\"a\", \"b\"]");
  EXPECT_EQ(ToToml(std::vector<int64_t>{1, 2}), "[1, 2]");
  EXPECT_EQ(ToToml(std::vector<std::string>{}), "[]");
}

TEST(TomlText, IsReadAsItWasWritten) {
  const std::string text = "tab\t \"quoted\" back\\slash new\nline \x7f \x01 \xc3\xa9";
  const TomlReading reading = ReadToml("value = " + QuoteToml(text));
  EXPECT_TRUE(reading.mistakes.empty());
  EXPECT_EQ(reading.table["value"].value_or(std::string()), text);
}

TEST(TomlText, HidesSecrets) {
  ConfigRow row = ConfigRows()[0];
  row.is_secret = true;
  EXPECT_EQ(ToShownToml(row, std::string("sesame")), "\"(hidden)\"");
}

TEST(TomlText, CutsWhereACharacterBegins) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "abc...");
  EXPECT_EQ(Shortened("ab\xc3\xa9", 3), "ab...");
}

}  // namespace
}  // namespace weft
