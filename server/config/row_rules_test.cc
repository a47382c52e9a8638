// Every key of the configuration, whatever the rows are: values below, above, of another type, a
// neighbour that does not exist, and the key twice. A new row is tested by being there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "config/environment.h"
#include "config/loader.h"
#include "config/schema.h"
#include "config/toml_text.h"

namespace weft {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = ConfigRule::Kind;

class EveryRow : public testing::TestWithParam<size_t> {
 protected:
  const ConfigRow& row() const { return ConfigRows()[GetParam()]; }
  std::string key() const { return std::string(row().key); }

  static std::string Refusal(const std::string& toml) {
    return std::string(ParseConfig({"weftd.toml", toml}).status().message());
  }
  // The value is refused with its place, the key and what is right, in the file and beyond it.
  void ExpectWrong(const std::string& value) {
    EXPECT_THAT(
        Refusal(absl::StrCat("\n", key(), " = ", value)),
        AllOf(StartsWith(absl::StrCat("weftd.toml:2:", key().size() + 4, ": ", key(), ": ")),
              HasSubstr(absl::StrCat("expected ", DescribeExpected(row())))))
        << value;
    const std::string variable = VariableOfKey(key());
    const auto loaded = ParseConfig(
        {}, {.environment = {variable + "=" + value}, .settings = {key() + "=" + value}});
    EXPECT_THAT(std::string(loaded.status().message()),
                AllOf(StartsWith(absl::StrCat(variable, ": ", key(), ": ")),
                      HasSubstr(absl::StrCat("\n--set: ", key(), ": "))))
        << value;
  }
};

TEST_P(EveryRow, TakesItsDefault) {
  const auto loaded =
      ParseConfig({"weftd.toml", absl::StrCat(key(), " = ", std::string(row().default_toml))});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(Obeys(row().rule, loaded->entries[GetParam()].value));
  EXPECT_EQ(ToToml(loaded->entries[GetParam()].value), row().default_toml);
  EXPECT_EQ(loaded->entries[GetParam()].value, LoadConfig({})->entries[GetParam()].value);
}

TEST_P(EveryRow, RefusesWhatIsBelowAndAbove) {
  switch (row().rule.kind) {
    case Kind::kInteger:
      ExpectWrong(absl::StrCat(row().rule.least - 1));
      ExpectWrong(absl::StrCat(row().rule.most + 1));
      ExpectWrong("-9223372036854775808");
      ExpectWrong("9223372036854775807");
      return;
    case Kind::kChoice:
      ExpectWrong("\"\"");
      ExpectWrong("\"none of them\"");
      return;
    case Kind::kPath:
      ExpectWrong("\"not/absolute\"");
      ExpectWrong("\"/" + std::string(static_cast<size_t>(row().rule.most), 'a') + "\"");
      ExpectWrong("\"/a\\u0000b\"");
      return;
    case Kind::kAddress:
    case Kind::kAddressList:
      ExpectWrong("\"127.0.0.1:-1\"");
      ExpectWrong("\"127.0.0.1:65536\"");
      return;
    case Kind::kHostList: {
      ExpectWrong("\"\"");
      ExpectWrong("\"host:65536\"");
      std::string many;
      for (int64_t i = 0; i <= row().rule.most; ++i) absl::StrAppend(&many, "\"a\",");
      ExpectWrong("[" + many + "]");
      return;
    }
    case Kind::kCpus:
      ExpectWrong("[-1]");
      ExpectWrong("[4096]");
      ExpectWrong("\"p4096\"");
      ExpectWrong("[\"n1:4096\"]");
      ExpectWrong("[\"p1\", \"auto\"]");
      return;
    case Kind::kFlag:
      ExpectWrong("-1");
      ExpectWrong("2");
      return;
  }
}

TEST_P(EveryRow, RefusesValuesOfAnotherType) {
  const Kind kind = row().rule.kind;
  for (const char* value : {"1.5", "1979-05-27", "{ a = 1 }", "[[1]]", "[1, \"a\"]", "[true]"}) {
    ExpectWrong(value);
  }
  if (kind != Kind::kFlag) ExpectWrong("true");
  if (kind != Kind::kInteger) ExpectWrong("1");
  if (kind != Kind::kCpus) ExpectWrong("[1]");
  if (kind != Kind::kAddressList && kind != Kind::kHostList) ExpectWrong("[\"127.0.0.1:1\"]");
  ExpectWrong("\"no such word\"");
}

TEST_P(EveryRow, IsMeantByItsUnknownNeighbour) {
  EXPECT_EQ(Refusal(key() + "z = 1"),
            absl::StrCat("weftd.toml:1:", key().find('.') + 2, ": ", key(),
                         "z: unknown key, did you mean ", key(), "?"));
}

TEST_P(EveryRow, IsRefusedTwice) {
  const std::string name = key().substr(key().find('.') + 1);
  const std::string line = absl::StrCat(name, " = ", std::string(row().default_toml), "\n");
  EXPECT_EQ(
      Refusal(absl::StrCat("[", key().substr(0, key().find('.')), "]\n", line, line)),
      absl::StrCat("weftd.toml:3:1: ", key(), ": stands twice, first in line 2, expected once"));
}

INSTANTIATE_TEST_SUITE_P(Config, EveryRow, testing::Range(size_t{0}, ConfigRows().size()),
                         [](const testing::TestParamInfo<size_t>& tested) {
                           return VariableOfKey(ConfigRows()[tested.param].key);
                         });

}  // namespace
}  // namespace weft
