// Files that hold no configuration are refused by name, and none of them holds the reader up.
#include "config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace weft {
namespace {

using testing::EndsWith;
using testing::StartsWith;

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-config-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& bytes) {
    const std::string path = folder_ + "/weftd.toml";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string Refusal(const std::string& path) {
    const auto text = ReadConfigFile(path);
    EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(text.status().message());
  }

  std::string folder_;
};

TEST_F(ConfigFile, GivesItsBytesUpToTheLongest) {
  const std::string longest(kConfigFileBytesMax, '#');
  EXPECT_EQ(*ReadConfigFile(Write(longest)), longest);
  EXPECT_EQ(*ReadConfigFile(Write("")), "");
}

TEST_F(ConfigFile, IsRefusedWhenItIsTooLong) {
  const std::string path = Write(std::string(kConfigFileBytesMax + 1, '#'));
  EXPECT_EQ(Refusal(path), path + ": is longer than 1048576 bytes");
}

TEST_F(ConfigFile, IsRefusedWhenItIsMissingOrAFolder) {
  EXPECT_EQ(Refusal("/nowhere/weftd.toml"),
            "/nowhere/weftd.toml: cannot be read: No such file or directory");
  EXPECT_EQ(Refusal(folder_), folder_ + ": is a folder, expected a TOML file");
}

TEST_F(ConfigFile, IsRefusedWhenItMayNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const std::string path = Write("x");
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  EXPECT_THAT(Refusal(path), EndsWith("cannot be read: Permission denied"));
}

TEST_F(ConfigFile, IsRefusedWhenTheSystemCannotReadIt) {
  // It opens, and every read of it fails.
  EXPECT_THAT(Refusal("/proc/self/mem"), StartsWith("/proc/self/mem: cannot be read: "));
}

TEST_F(ConfigFile, IsNoPipe) {
  const std::string path = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(Refusal(path), path + ": is not a regular file and so cannot be read again");
}

}  // namespace
}  // namespace weft
