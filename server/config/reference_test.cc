// What is written for people out of the rows: complete, readable again, the same everywhere.
#include "config/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "config/schema.h"

namespace weft {
namespace {

using testing::HasSubstr;

TEST(Reference, HasEveryKeyInEveryForm) {
  for (const ConfigRow& row : ConfigRows()) {
    const std::string name(row.key.substr(row.key.find('.') + 1));
    EXPECT_THAT(SampleConfig(),
                HasSubstr(absl::StrCat("\n#", name, " = ", std::string(row.default_toml), "\n")));
    EXPECT_THAT(ConfigurationPage(), HasSubstr(absl::StrCat("| `", std::string(row.key), "` |")));
    EXPECT_THAT(ConfigurationManPage(), HasSubstr(absl::StrCat("\n.B ", name, "\n")));
  }
}

TEST(Reference, SampleChangesNothingAsItIs) {
  const auto loaded = ParseConfig({"weftd.toml", SampleConfig()});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(PrintConfig(*loaded), PrintConfig(*LoadConfig({})));
}

TEST(Reference, SampleIsRightWithEveryDefaultUncommented) {
  std::string text;
  for (const absl::string_view line : absl::StrSplit(SampleConfig(), '\n')) {
    const bool is_default = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    absl::StrAppend(&text, is_default ? line.substr(1) : line, "\n");
  }
  const auto loaded = ParseConfig({"weftd.toml", text});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  for (const ConfigEntry& entry : loaded->entries) {
    EXPECT_THAT(entry.origin, HasSubstr("weftd.toml:"));
  }
}

TEST(Reference, LinesStayWithinTheColumns) {
  for (const absl::string_view line : absl::StrSplit(SampleConfig(), '\n')) {
    EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST(Reference, ManPageHasNoLineThatRoffTakesForARequest) {
  for (const absl::string_view line : absl::StrSplit(ConfigurationManPage(), '\n')) {
    if (line.empty() || (line[0] != '.' && line[0] != '\'')) continue;
    EXPECT_THAT(std::string(line.substr(0, 3)),
                testing::AnyOf(".\\\"", ".TH", ".SH", ".TP", ".B ", ".br", ".PP", ".BR"));
  }
}

TEST(PrintConfig, IsReadAgainWithTheSameValues) {
  const auto loaded = ParseConfig(
      {"weftd.toml", "[executor]\ncores = [0, 2]\nidle = \"spin\"\n"},
      {.environment = {"WEFT_LOG_LEVEL=warn"}, .settings = {"rpc.unix_socket=/tmp/\"odd\".sock"}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::string printed = PrintConfig(*loaded);
  EXPECT_THAT(printed, HasSubstr("cores = [0, 2]"));
  EXPECT_THAT(printed, HasSubstr("# weftd.toml:2:9\n"));
  EXPECT_THAT(printed, HasSubstr("# WEFT_LOG_LEVEL\n"));
  EXPECT_THAT(printed, HasSubstr("# --set\n"));
  EXPECT_THAT(printed, HasSubstr("# default\n"));
  const auto again = ParseConfig({"printed", printed});
  ASSERT_TRUE(again.ok()) << again.status();
  for (size_t i = 0; i < loaded->entries.size(); ++i) {
    EXPECT_EQ(again->entries[i].value, loaded->entries[i].value) << ConfigRows()[i].key;
  }
}

}  // namespace
}  // namespace weft
