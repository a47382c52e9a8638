#include "client/doctor/machine_root.h"

#include <gtest/gtest.h>

#include "client/doctor/fixture_tree.h"

// Proves how the files of /proc and /sys are read, there or not.
namespace weft::doctor {
namespace {

TEST(MachineRoot, ReadsBelowItsFolder) {
  FixtureTree tree;
  tree.Put("/proc/text", "one\ntwo \n").Put("/proc/number", "42\n").Link("/proc/link", "to:[1]");
  const MachineRoot root = tree.root();
  EXPECT_EQ(root.Read("/proc/text"), "one\ntwo");
  EXPECT_EQ(root.ReadNumber("/proc/number"), 42);
  EXPECT_EQ(root.ReadLink("/proc/link"), "to:[1]");
  EXPECT_EQ(root.List("/proc"), (std::vector<std::string>{"link", "number", "text"}));
  EXPECT_TRUE(root.Exists("/proc/text"));
}

TEST(MachineRoot, HasNothingForWhatIsNotThere) {
  FixtureTree tree;
  tree.Put("/text", "no number");
  const MachineRoot root = tree.root();
  EXPECT_EQ(root.Read("/none"), std::nullopt);
  EXPECT_EQ(root.ReadNumber("/none"), std::nullopt);
  EXPECT_EQ(root.ReadNumber("/text"), std::nullopt);
  EXPECT_EQ(root.ReadLink("/text"), std::nullopt);
  EXPECT_TRUE(root.List("/none").empty());
  EXPECT_FALSE(root.Exists("/none"));
}

TEST(FieldOf, FindsALineByItsWholeKey) {
  const std::string text = "Seccomp_filters:\t3\nSeccomp:\t2\nflags\t\t: fpu tsc\n";
  EXPECT_EQ(FieldOf(text, "Seccomp"), "2");
  EXPECT_EQ(FieldOf(text, "flags"), "fpu tsc");
  EXPECT_EQ(FieldOf(text, "Sec"), std::nullopt);
}

TEST(CpuList, IsReadAndWritten) {
  EXPECT_EQ(ParseCpuList("0-2,5"), (std::vector<int>{0, 1, 2, 5}));
  EXPECT_EQ(FormatCpuList({0, 1, 2, 5}), "0-2,5");
  EXPECT_EQ(FormatCpuList({}), "");
  for (const char* text : {"", "a", "1-", "3-1", "-1", "0-9999999", "1-2-3"}) {
    EXPECT_TRUE(ParseCpuList(text).empty()) << text;
  }
}

}  // namespace
}  // namespace weft::doctor
