// What a machine does not grant to a configuration is told with its place, and nothing is made.
#include "daemon/machine_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

namespace weft {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class MachineCheck : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-machine-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::vector<std::string> Warnings(const std::string& toml) {
    const auto loaded = ParseConfig({"w.toml", toml});
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return MachineWarnings(*loaded, {0, 2});
  }

  std::string folder_;
};

TEST_F(MachineCheck, TellsEachThingThatIsNotGrantedWithItsPlace) {
  EXPECT_THAT(
      Warnings("executor.cores = [2, 3]\nhandlers.file_root = \"/nowhere/root\"\n"
               "rpc.unix_socket = \"/nowhere/at/weftd.sock\"\n"),
      ElementsAre(AllOf(StartsWith("w.toml:1:18: executor.cores "), EndsWith(" (this machine)")),
                  AllOf(StartsWith("w.toml:3:19: rpc.unix_socket: folder /nowhere/at cannot be "),
                        EndsWith("No such file or directory (this machine)")),
                  AllOf(StartsWith("w.toml:2:22: handlers.file_root: "), HasSubstr("/nowhere/root"),
                        EndsWith(" (this machine)"))));
  EXPECT_THAT(Warnings("executor.worker_threads = 9\n"),
              ElementsAre(StartsWith("w.toml:1:27: executor.worker_threads = 9")));
}

TEST_F(MachineCheck, IsSilentWhereAStartWouldGoOn) {
  EXPECT_THAT(Warnings(""), IsEmpty());
  EXPECT_THAT(Warnings("executor.cores = [0, 2]\nhandlers.file_root = \"" + folder_ +
                       "\"\nrpc.unix_socket = \"" + folder_ + "/new/weftd.sock\"\n"),
              IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/new")) << "a check must make nothing";
}

TEST_F(MachineCheck, TellsOfAFolderThatIsOpenToOthersOrNone) {
  ASSERT_EQ(mkdir((folder_ + "/open").c_str(), 0755), 0);
  ASSERT_EQ(chmod((folder_ + "/open").c_str(), 0755), 0);
  EXPECT_THAT(Warnings("rpc.unix_socket = \"" + folder_ + "/open/weftd.sock\"\n"),
              ElementsAre(HasSubstr("is open to others")));
  EXPECT_THAT(Warnings("rpc.unix_socket = \"/etc/passwd/weftd.sock\"\n"),
              ElementsAre(HasSubstr("/etc/passwd is not a folder")));
}

}  // namespace
}  // namespace weft
