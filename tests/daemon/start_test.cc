#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/daemon/daemon_test.h"

// Proves that what keeps the daemon from starting is told in one line that names key, value and
// what is right, with an exit code of its own, and disturbs no daemon that runs.
namespace weft {
namespace {

constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr int kExitConfig = 78;

class StartTest : public DaemonTest {
 protected:
  // Starts another daemon, which must end by itself with the exit code, its whole output being one
  // line a mistake; returns the output.
  std::string ExpectRefusedStart(const DaemonProcess::Options& options, int exit_code,
                                 size_t lines = 1) {
    DaemonProcess other(options);
    const ProcessEnd end = other.WaitForEnd();
    EXPECT_EQ(end.exit_code, exit_code) << "signal " << end.signal << "\n" << other.Log();
    EXPECT_EQ(other.LogLines().size(), lines) << other.Log();
    return other.Log();
  }
  static void ExpectHolds(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
  }
};

TEST_F(StartTest, TellsThreeMistakesOfAConfigurationInThreeLines) {
  TempDir folder;
  const std::string file = (folder.path() / "weftd.toml").string();
  std::ofstream(file) << "[executor]\nidle = \"lazy\"\nmax_queue_dept = 7\n\n[limits]\n"
                         "max_waiters = 0\n";
  const std::string output =
      ExpectRefusedStart({.arguments = {"--config", file}}, kExitConfig, /*lines=*/3);
  ExpectHolds(output, file + ":2");
  ExpectHolds(output, "executor.idle");
  ExpectHolds(output, "lazy");
  ExpectHolds(output, file + ":3");
  ExpectHolds(output, "executor.max_queue_depth");
  ExpectHolds(output, file + ":6");
  ExpectHolds(output, "limits.max_waiters");
}

TEST_F(StartTest, RefusesAFileThatIsNotThere) {
  ExpectHolds(ExpectRefusedStart({.arguments = {"--config", "/nowhere/weftd.toml"}}, kExitConfig),
              "/nowhere/weftd.toml");
}

TEST_F(StartTest, RefusesAFlagItDoesNotKnow) {
  DaemonProcess other({.arguments = {"--confg", "x"}});
  EXPECT_EQ(other.WaitForEnd().exit_code, kExitUsage);
  ExpectHolds(other.Log(), "--confg");
}

TEST_F(StartTest, RefusesAPortThatIsTaken) {
  Start();
  const std::string rpc = daemon_->rpc_address();
  ExpectHolds(ExpectRefusedStart({.settings = {"rpc.listen=[\"" + rpc + "\"]"}}, kExitUnavailable),
              rpc);
  const std::string web = daemon_->web_address();
  ExpectHolds(ExpectRefusedStart({.settings = {"web.listen=\"" + web + "\""}}, kExitUnavailable),
              web);
  EXPECT_EQ(Run(Spec("noop"))->state(), v1::TASK_STATE_SUCCEEDED);
}

TEST_F(StartTest, RefusesAUnixSocketThatAnotherDaemonHolds) {
  Start();
  const std::string path = daemon_->unix_socket().string();
  ExpectHolds(
      ExpectRefusedStart({.settings = {"rpc.unix_socket=\"" + path + "\""}}, kExitUnavailable),
      path);
  ClientOptions options;
  options.target = daemon_->unix_target();
  const auto client = *Client::Create(options);
  EXPECT_EQ(client->Run(RunRequest(Spec("noop")))->state(), v1::TASK_STATE_SUCCEEDED);
}

TEST_F(StartTest, TakesOverAUnixSocketThatAKilledDaemonLeft) {
  TempDir folder;
  const std::string path = (folder.path() / "weftd.sock").string();
  Start({"rpc.unix_socket=\"" + path + "\""});
  client_.reset();
  daemon_->Signal(SIGKILL);
  EXPECT_EQ(daemon_->WaitForEnd().signal, SIGKILL);
  EXPECT_TRUE(std::filesystem::exists(path));
  Start({"rpc.unix_socket=\"" + path + "\""});
  ClientOptions options;
  options.target = "unix:" + path;
  EXPECT_EQ((*Client::Create(options))->Run(RunRequest(Spec("noop")))->state(),
            v1::TASK_STATE_SUCCEEDED);
}

TEST_F(StartTest, LeavesAUnixSocketAloneThatTookThePlaceOfItsOwn) {
  Start();
  const std::filesystem::path path = daemon_->unix_socket();
  std::filesystem::remove(path);
  std::ofstream(path) << "somebody else's";
  client_.reset();
  EXPECT_EQ(daemon_->Terminate().exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(StartTest, TakesItsUnixSocketAway) {
  Start();
  const std::filesystem::path path = daemon_->unix_socket();
  EXPECT_TRUE(std::filesystem::is_socket(path));
  client_.reset();
  EXPECT_EQ(daemon_->Terminate().exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(StartTest, GivesItsUnixSocketToItsOwnerOnly) {
  Start();
  struct stat about {};
  ASSERT_EQ(stat(daemon_->unix_socket().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(StartTest, RefusesACoreItIsNotGranted) {
  ExpectHolds(ExpectRefusedStart({.settings = {"executor.cores=[4000]"}}, kExitUnavailable),
              "4000");
  const std::vector<int> allowed = AllowedCpus();
  if (allowed.size() < 2) GTEST_SKIP() << "needs two CPUs to take one away";
  const std::string taken = std::to_string(allowed[1]);
  ExpectHolds(
      ExpectRefusedStart({.settings = {"executor.cores=[" + taken + "]"}, .cpus = {allowed[0]}},
                         kExitUnavailable),
      taken);
}

TEST_F(StartTest, TakesCoresByWhereTheySit) {
  ExpectHolds(ExpectRefusedStart({.settings = {"executor.cores=p4095"}}, kExitUnavailable),
              "executor.cores names p4095, but the CPUs this process may use");
  Start();
  const v1::CoreStats known = client_->GetStats()->cores(0);
  client_.reset();
  EXPECT_EQ(daemon_->Terminate().exit_code, 0);
  const std::string node = "n" + std::to_string(known.numa_node());
  ExpectHolds(
      ExpectRefusedStart({.settings = {"executor.cores=" + node + ":4095"}}, kExitUnavailable),
      "whose places are " + node + ":0 to ");
  // With all of them the Door shares.
  Start({"executor.worker_threads=0", "executor.cores=" + node});
  const auto cores = client_->ListCores();
  std::string cpus;
  for (const v1::CoreInfo& core : cores->cores()) {
    EXPECT_EQ(core.numa_node(), known.numa_node());
    EXPECT_EQ(core.stats().numa_node(), known.numa_node());
    cpus += (cpus.empty() ? "" : ",") + std::to_string(core.stats().core());
  }
  EXPECT_TRUE(daemon_->WaitForLog("cpus=" + cpus + " places="));
}

TEST_F(StartTest, LendsTheDoorToTheCoreOnASingleCpu) {
  daemon_ = std::make_unique<DaemonProcess>(DaemonProcess::Options{
      .settings = {"executor.stall_threshold_ms=50"}, .cpus = {AllowedCpus()[0]}});
  ASSERT_TRUE(daemon_->WaitReady());
  client_ = daemon_->Connect();
  EXPECT_TRUE(daemon_->WaitForLog("door=core"));
  EXPECT_TRUE(daemon_->WaitForLog("idle=sleep"));
  EXPECT_TRUE(Run(Spec("noop")).ok());
  // While a handler holds the core, the others' calls are served, and it is named.
  const uint64_t id = HoldTheCore();
  EXPECT_EQ(client_->GetStats()->tasks().in_flight(), 1u);
  EXPECT_TRUE(daemon_->WaitForLog("handler_holds_core handler=spin"));
  Cancel(id, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  EXPECT_EQ(MustWait(id).state(), v1::TASK_STATE_CANCELLED);
  EXPECT_TRUE(Run(Spec("sleep", "300us")).ok());
}

TEST_F(StartTest, KeepsTheDoorApartFromSeveralCores) {
  const std::vector<int> cpus = AllowedCpus();
  // Each core has a CPU of its own, so that one CPU has no several cores.
  if (cpus.size() < 2) GTEST_SKIP() << "needs two CPUs";
  daemon_ = std::make_unique<DaemonProcess>(DaemonProcess::Options{
      .settings = {"executor.door=\"core\"", "executor.cores=[" + std::to_string(cpus[0]) + "," +
                                                 std::to_string(cpus[1]) + "]"}});
  ASSERT_TRUE(daemon_->WaitReady());
  client_ = daemon_->Connect();
  EXPECT_TRUE(daemon_->WaitForLog("setting_changed key=executor.door from=core to=own"));
  EXPECT_TRUE(daemon_->WaitForLog("door=own"));
}

TEST_F(StartTest, RefusesAnAddressBeyondLoopbackUnlessToldThatItIsInsecure) {
  ExpectHolds(ExpectRefusedStart({.settings = {"rpc.listen=[\"0.0.0.0:0\"]"}}, kExitConfig),
              "security.insecure");
}

TEST_F(StartTest, WarnsWhenItIsAllowedToBeInsecure) {
  Start({"security.insecure=true"});
  EXPECT_NE(daemon_->Log().find(" warn insecure "), std::string::npos) << daemon_->Log();
}

TEST_F(StartTest, ServesMetricsAndBothHealthPages) {
  Start();
  EXPECT_EQ(Run(Spec("noop"))->state(), v1::TASK_STATE_SUCCEEDED);
  const HttpAnswer metrics = HttpGet(daemon_->web_address(), "/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("\nweft_dispatch_accepted_total 1\n"), std::string::npos);
  EXPECT_EQ(HttpGet(daemon_->web_address(), "/healthz").status, 200);
  EXPECT_EQ(HttpGet(daemon_->web_address(), "/readyz").status, 200);
  EXPECT_EQ(HttpGet(daemon_->web_address(), "/nowhere").status, 404);
}

}  // namespace
}  // namespace weft
