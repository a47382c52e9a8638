// How lines are told apart: where a value ends, right or open, and what a header is called.
#include "config/toml_statement.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace weft {
namespace {

std::vector<std::string> Lines(const std::string& text) { return absl::StrSplit(text, '\n'); }

TomlStatement First(const std::string& text) { return StatementAt(Lines(text), 0); }

TEST(TomlStatement, TakesAllLinesOfItsValue) {
  for (const char* text : {"a = [ # ]\n1,\n[2]]", "a = [\n\"]\",\n']']", "a = '''\n]'\nb = 1'''",
                           "a = [\n\n# c = 1\n]", "a = \"\"\"\n\\\"\"\"\n\"\"\"\"\"",
                           "a = [{ b = \"\\\"]\" },\n'''\n''']"}) {
    const TomlStatement whole = First(std::string(text) + "\nc = 1");
    EXPECT_EQ(whole.end, Lines(text).size()) << text;
    EXPECT_EQ(whole.missing, "") << text;
  }
}

TEST(TomlStatement, IsOneLineWithoutAValueOfMany) {
  for (const char* text : {"", "# a = [", "[a", "[a]", "a [", "a = 1", "a = \"[", "a = '[' # ["}) {
    const TomlStatement line = First(std::string(text) + "\n]");
    EXPECT_EQ(line.end, 1u) << text;
    EXPECT_EQ(line.missing, "") << text;
  }
}

TEST(TomlStatement, EndsAnOpenListWhereTheNextStatementBegins) {
  for (const char* next : {"b = 1", " b.c= 1", "[b]", "[b] # c"}) {
    const TomlStatement open = First(std::string("a =  [1,\n[2],\n 3, # x\n") + next);
    EXPECT_EQ(open.key, "a") << next;
    EXPECT_EQ(open.value_column, 5u) << next;
    EXPECT_EQ(open.end, 3u) << next;
    EXPECT_EQ(open.missing, "]") << next;
  }
  EXPECT_EQ(First("a = [{ b = 1,").missing, "}");
}

TEST(TomlStatement, GivesAnOpenStringAllThatFollows) {
  EXPECT_EQ(First("a = '''\nb = 1\n[c]").end, 3u);
  EXPECT_EQ(First("a = '''\nb = 1\n[c]").missing, "'''");
  EXPECT_EQ(First("a = \"\"\"\nb = '''").missing, "\"\"\"");
}

TEST(TomlHeader, IsOnlyWhatIsWhole) {
  EXPECT_EQ(TomlHeader("  [ a.b ]  # = [x]"), "a.b");
  EXPECT_EQ(TomlHeader("[a]\r"), "a");
  for (const char* text : {"[a", "[a b]", "[]", "[[a]]", "[a] = 1", "a]", "[\"a\"]", ""}) {
    EXPECT_EQ(TomlHeader(text), std::nullopt) << text;
  }
}

TEST(TomlHeader, HasANameThoughItsEndIsNotRight) {
  EXPECT_EQ(AnyTomlHeader(" [ a.b"), "a.b");
  EXPECT_EQ(AnyTomlHeader("[a}"), "a");
  EXPECT_EQ(AnyTomlHeader("[]"), std::nullopt);
  EXPECT_EQ(AnyTomlHeader("a"), std::nullopt);
}

}  // namespace
}  // namespace weft
