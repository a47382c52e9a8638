// What names CPUs in executor.cores: each form is read as it is written, and nothing beside them.
#include "config/cpu_name.h"

#include <gtest/gtest.h>

#include <string>

namespace weft {
namespace {

using Kind = CpuName::Kind;

TEST(ParseCpuName, ReadsEachForm) {
  EXPECT_EQ(ParseCpuName("3"), (CpuName{.number = 3}));
  EXPECT_EQ(ParseCpuName("p1"), (CpuName{.kind = Kind::kPackage, .number = 1}));
  EXPECT_EQ(ParseCpuName("n0"), (CpuName{.kind = Kind::kNumaNode}));
  EXPECT_EQ(ParseCpuName("p1:3"), (CpuName{.kind = Kind::kPackage, .number = 1, .place = 3}));
  EXPECT_EQ(ParseCpuName("n4095:4095"),
            (CpuName{.kind = Kind::kNumaNode, .number = 4095, .place = 4095}));
}

TEST(ParseCpuName, ReadsWhatIsWritten) {
  for (const char* text : {"0", "4095", "p0", "n12", "p7:0", "n0:63"}) {
    const auto name = ParseCpuName(text);
    ASSERT_TRUE(name) << text;
    EXPECT_EQ(name->Text(), text);
  }
}

TEST(ParseCpuName, RefusesWhatNamesNothing) {
  for (const std::string text :
       {"",       "p",     "n",       "p:",          "p:1",          "p1:", "n1:x", "p1:2:3",
        "p1:2-3", "3:1",   "P1",      "N1",          "cpu1",         "p-1", "-1",   "+1",
        "p+1",    "p1:-1", " 1",      "1 ",          "p 1",          "p1 ", "0x1",  "1.0",
        "4096",   "p4096", "n1:4096", "99999999999", "p99999999999", "np1", "auto", "all"}) {
    EXPECT_EQ(ParseCpuName(text), std::nullopt) << '"' << text << '"';
  }
  EXPECT_EQ(ParseCpuName(std::string_view("p1\0", 3)), std::nullopt);
}

}  // namespace
}  // namespace weft
