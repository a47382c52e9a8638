// What a machine does not grant to a configuration is told with its place, and nothing is made.
#include "daemon/machine_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "task/limits.h"

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

  static std::vector<std::string> Warnings(const std::string& toml,
                                           const MachineOffer& offer = {
                                               .cpus = {{.cpu = 0}, {.cpu = 2}}}) {
    const auto loaded = ParseConfig({"w.toml", toml});
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return MachineWarnings(*loaded, offer);
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

TEST_F(MachineCheck, TellsOfAPackageThatIsNotThere) {
  EXPECT_THAT(Warnings("executor.cores = \"p1\"\n"),
              ElementsAre(AllOf(StartsWith("w.toml:1:18: executor.cores names p1, but "),
                                EndsWith("are in 1 package: 0 (this machine)"))));
  EXPECT_THAT(Warnings("executor.cores = \"n0:1\"\n"), IsEmpty());
}

TEST_F(MachineCheck, TellsOfMoreCoresThanATasksIdCanName) {
  MachineOffer offer;
  for (int cpu = 0; cpu < 300; ++cpu) offer.cpus.push_back({.cpu = cpu});
  EXPECT_THAT(Warnings("executor.cores = \"p0\"\n", offer),
              ElementsAre(HasSubstr("names 300 CPUs, but there may be 255 cores")));
  EXPECT_THAT(Warnings("", offer), IsEmpty());
  EXPECT_EQ(FindConfigRow("executor.worker_threads")->rule.most, int64_t{kMaxCores});
}

TEST_F(MachineCheck, IsSilentWhereAStartWouldGoOn) {
  EXPECT_THAT(Warnings(""), IsEmpty());
  EXPECT_THAT(Warnings("executor.cores = [0, 2]\nhandlers.file_root = \"" + folder_ +
                       "\"\nrpc.unix_socket = \"" + folder_ + "/new/weftd.sock\"\n"),
              IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/new")) << "a check must make nothing";
}

TEST_F(MachineCheck, TellsWhatCoresWouldBeWithout) {
  MachineOffer offer{.cpus = {{.cpu = 0}, {.cpu = 2}}};
  offer.grant.realtime = absl::PermissionDeniedError("SCHED_FIFO was not granted");
  offer.grant.lockable_bytes = 1000;
  offer.limits.realtime_priority = 0;
  offer.limits.locked_bytes = 64;
  EXPECT_THAT(
      Warnings("executor.realtime = true\nexecutor.lock_memory = true\n", offer),
      ElementsAre(AllOf(StartsWith("w.toml:1:21: executor.realtime = true, but for cores: "
                                   "SCHED_FIFO was not granted"),
                        HasSubstr("the limit is 0"), HasSubstr("ulimit -r 1"),
                        HasSubstr("CAP_SYS_NICE"), EndsWith(" (this machine)")),
                  AllOf(StartsWith("w.toml:2:24: executor.lock_memory = true, but 1000 bytes"),
                        HasSubstr("the limit is 64"), HasSubstr("CAP_IPC_LOCK"))));
}

TEST_F(MachineCheck, AsksForNothingThatIsNotConfigured) {
  const MachineOffer offer = TryMachine(Config(), {0});
  EXPECT_EQ(offer.grant.lockable_bytes, 0u);
  EXPECT_TRUE(offer.grant.realtime.ok());
  ASSERT_EQ(offer.cpus.size(), 1u);
  EXPECT_EQ(offer.cpus[0].cpu, 0);
}

// In a process of its own, as the limit that was given up cannot be had back.
TEST_F(MachineCheck, TriesWhatTheLimitsAllow) {
  EXPECT_EXIT(
      {
        const rlimit none{};
        setrlimit(RLIMIT_MEMLOCK, &none);
        setrlimit(RLIMIT_RTPRIO, &none);
        // Root may do all of it whatever the limits are.
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(2);
        Config config;
        config.core.realtime = config.core.lock_memory = true;
        const MachineOffer offer = TryMachine(config, {0, 1, 2});
        const bool is_refused = !offer.grant.realtime.ok() && offer.grant.locked_bytes == 0;
        _exit(is_refused && offer.grant.lockable_bytes > 2 * LockableBytes(config.core) - 1 ? 0
                                                                                            : 1);
      },
      testing::ExitedWithCode(0), "");
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
