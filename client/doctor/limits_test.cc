#include "client/doctor/limits.h"

#include <gtest/gtest.h>

#include "client/doctor/expectations.h"
#include "client/doctor/fixture_tree.h"

// Proves what is said of limits high, low, infinite and unknown.
namespace weft::doctor {
namespace {

constexpr char kLimits[] =
    "Limit                     Soft Limit           Hard Limit           Units\n"
    "Max open files            1024                 1048576              files\n"
    "Max locked memory         8388608              unlimited            bytes\n";

TEST(ReadLimits, TakesSoftAndHard) {
  FixtureTree tree;
  tree.Put("/proc/self/limits", kLimits);
  EXPECT_EQ(ReadOpenFiles(tree.root()).soft, 1024);
  EXPECT_EQ(ReadOpenFiles(tree.root()).hard, 1'048'576);
  EXPECT_EQ(ReadLockedMemory(tree.root()).soft, 8'388'608);
  EXPECT_EQ(ReadLockedMemory(tree.root()).hard, kUnlimited);
}

TEST(ReadLimits, HasNothingWithoutTheFile) {
  FixtureTree tree;
  EXPECT_EQ(ReadOpenFiles(tree.root()).soft, std::nullopt);
}

TEST(JudgeLockedMemory, WantsRoomForTheRing) {
  ExpectCheck(JudgeLockedMemory({8 << 20, kUnlimited}), Level::kOk, "soft 8.0 MiB, hard unlimited");
  ExpectCheck(JudgeLockedMemory({kUnlimited, kUnlimited}), Level::kOk, "soft unlimited");
  ExpectCheck(JudgeLockedMemory({65'536, 65'536}), Level::kWarning, "64.0 KiB", "LimitMEMLOCK");
  ExpectCheck(JudgeLockedMemory({}), Level::kWarning, "cannot be read", "/proc");
}

TEST(JudgeOpenFiles, WantsOneForEachConnection) {
  ExpectCheck(JudgeOpenFiles({1024, 65536}), Level::kOk, "soft 1024, hard 65536");
  ExpectCheck(JudgeOpenFiles({kUnlimited, kUnlimited}), Level::kOk, "unlimited");
  ExpectCheck(JudgeOpenFiles({256, 4096}), Level::kWarning, "hard 4096", "LimitNOFILE");
  ExpectCheck(JudgeOpenFiles({}), Level::kWarning, "cannot be read", "/proc");
}

}  // namespace
}  // namespace weft::doctor
