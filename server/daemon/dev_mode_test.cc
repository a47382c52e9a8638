// `weftd dev`: its folder comes and goes, its presets are a configuration, its screen can be
// pasted from.
#include "daemon/dev_mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "config/loader.h"

namespace weft {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class DevModeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-dev-test-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    parent_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(parent_); }

  absl::StatusOr<DevMode> Create() const {
    return DevMode::Create([this](const char*) { return parent_; });
  }

  std::string parent_;
};

TEST_F(DevModeTest, LeavesNothingBehind) {
  {
    const auto mode = Create();
    ASSERT_TRUE(mode.ok()) << mode.status();
    EXPECT_THAT(mode->folder(), StartsWith(parent_ + "/weft-dev-"));
    EXPECT_TRUE(std::filesystem::exists(mode->files() + "/hello.txt"));
    EXPECT_EQ(std::filesystem::status(mode->folder()).permissions(), std::filesystem::perms(0700));
    std::ofstream(mode->folder() + "/weftd.sock.lock") << "x";
  }
  EXPECT_TRUE(std::filesystem::is_empty(parent_));
}

TEST_F(DevModeTest, SaysWhereItCannotMakeItsFolder) {
  parent_ += "/missing";
  EXPECT_THAT(std::string(Create().status().message()),
              testing::AllOf(HasSubstr(parent_), HasSubstr("TMPDIR")));
}

TEST_F(DevModeTest, ItsPresetsAreAConfiguration) {
  const auto mode = Create();
  const auto loaded = LoadConfig({.presets = mode->Presets()});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->config.rpc.unix_socket, testing::AnyOf("", mode->folder() + "/weftd.sock"));
  EXPECT_EQ(loaded->config.daemon.log_level, LogLevel::kWarn);
}

TEST(DevScreen, ShowsThreeCommandsToPaste) {
  const std::string text = ToText({.version = "1.2.3",
                                   .folder = "/tmp/weft-dev-x",
                                   .rpc_addresses = {"127.0.0.1:7411", "unix:/tmp/x/weftd.sock"},
                                   .web_address = "http://127.0.0.1:7412",
                                   .client = "weft"});
  EXPECT_EQ(text,
            "weftd 1.2.3 is ready. Its files are in /tmp/weft-dev-x and go when it ends.\n\n"
            "  gRPC     127.0.0.1:7411\n"
            "  gRPC     unix:/tmp/x/weftd.sock\n"
            "  metrics  http://127.0.0.1:7412/metrics\n\n"
            "Try it from another terminal:\n\n"
            "  weft run echo hello\n"
            "  weft handlers\n"
            "  weft bench --handler noop --outstanding 64 --duration 5s\n\n"
            "Ctrl-C ends it.\n");
}

TEST(DevScreen, NamesTheTargetWhereItIsNotTheUsualOne) {
  const std::string text = ToText({.rpc_addresses = {"127.0.0.1:45678"},
                                   .client = "build/dev/bin/weft",
                                   .has_file_hash = true});
  EXPECT_THAT(text, HasSubstr("  build/dev/bin/weft run file.hash hello.txt --target "
                              "127.0.0.1:45678\n"));
  EXPECT_THAT(text, Not(HasSubstr("metrics")));
}

TEST_F(DevModeTest, CallsTheClientBesideItUnlessTheShellFindsIt) {
  std::ofstream(parent_ + "/weft") << "x";
  EXPECT_EQ(ClientCommand(parent_ + "/weftd", "/usr/bin:/bin"), parent_ + "/weft");
  EXPECT_EQ(ClientCommand(parent_ + "/weftd", "/usr/bin:" + parent_), "weft");
  EXPECT_EQ(ClientCommand("/nowhere/weftd", "/usr/bin"), "weft");
}

}  // namespace
}  // namespace weft
