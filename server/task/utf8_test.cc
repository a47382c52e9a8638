#include "task/utf8.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

std::string Assigned(std::string_view from, size_t most_bytes = 100) {
  std::string to = "what was there before";
  AssignUtf8(from, most_bytes, &to);
  return to;
}

TEST(AssignUtf8, KeepsWhatIsValid) {
  for (const char* text : {"", "plain", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xed\x9f\xbf",
                           "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(Assigned(text), text);
  }
}

TEST(AssignUtf8, ReplacesEachByteThatIsPartOfNoCharacter) {
  EXPECT_EQ(Assigned("a\xff\xfe z"), "a?? z");
  EXPECT_EQ(Assigned("\xc0\xaf"), "??") << "overlong";
  EXPECT_EQ(Assigned("\xe0\x80\xaf"), "???") << "overlong";
  EXPECT_EQ(Assigned("\xed\xa0\x80"), "???") << "a surrogate";
  EXPECT_EQ(Assigned("\xf4\x90\x80\x80"), "????") << "beyond U+10FFFF";
  EXPECT_EQ(Assigned("\xe2\x82"), "??") << "cut off";
  EXPECT_EQ(Assigned("\xe2\x82x"), "??x");
  EXPECT_EQ(Assigned("\x80"), "?");
}

TEST(AssignUtf8, NeverCutsACharacter) {
  EXPECT_EQ(Assigned("ab\xe2\x82\xac", 4), "ab");
  EXPECT_EQ(Assigned("ab\xe2\x82\xac", 5), "ab\xe2\x82\xac");
  EXPECT_EQ(Assigned("abc", 2), "ab");
}

}  // namespace
}  // namespace weft
