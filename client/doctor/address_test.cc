#include "client/doctor/address.h"

#include <gtest/gtest.h>

#include <thread>

#include "client/doctor/expectations.h"
#include "client/doctor/fixture_tree.h"
#include "client/doctor/listener.h"
#include "client/fake_daemon.h"

// Proves what is said of an address that is free, taken, forbidden, or a daemon in any state; and
// that a real listener is recognised for what it is.
namespace weft::doctor {
namespace {

const AddressQuestion kFound = {"gRPC address", "rpc.listen", false, "1.0.0"};
const AddressQuestion kAskedFor = {"gRPC address", "rpc.listen", true, "1.0.0"};

AddressReading Reading(Peer peer) {
  AddressReading reading;
  reading.address = "127.0.0.1:7411";
  reading.peer = peer;
  return reading;
}

AddressReading Daemon() {
  AddressReading reading = Reading(Peer::kWeftd);
  reading.is_serving = true;
  reading.version = "1.0.0";
  v1::GetStatsResponse stats;
  stats.add_cores()->set_core(1);
  stats.add_cores()->set_core(2);
  stats.set_meeting_latency_target(true);
  stats.set_target_latency_ns(5'000);
  stats.mutable_io()->set_backend("io_uring");
  reading.stats = stats;
  return reading;
}

TEST(JudgeAddress, TakesAFreeOneForAFaultOnlyWhenItWasNamed) {
  ExpectCheck(JudgeAddress(Reading(Peer::kNobody), kFound), Level::kOk, "7411 is free");
  ExpectCheck(JudgeAddress(Reading(Peer::kStale), kFound), Level::kOk, "weftd replaces it");
  ExpectCheck(JudgeAddress(Reading(Peer::kNobody), kAskedFor), Level::kError, "no daemon",
              "start weftd");
}

TEST(JudgeAddress, NamesWhoHasIt) {
  AddressReading reading = Reading(Peer::kOther);
  reading.answer = "not gRPC";
  ExpectCheck(JudgeAddress(reading, kFound), Level::kError, "taken by something", "rpc.listen");
  reading.owner = "nginx (pid 812)";
  ExpectCheck(JudgeAddress(reading, kFound), Level::kError, "taken by nginx (pid 812)",
              "stop that");
  reading.owner = "weftd (pid 812)";
  ExpectCheck(JudgeAddress(reading, kFound), Level::kError, "weftd (pid 812)", "log");
}

TEST(JudgeAddress, TellsWhyItCannotBeAsked) {
  ExpectCheck(JudgeAddress(Reading(Peer::kForbidden), kFound), Level::kWarning, "may not connect",
              "group");
  ExpectCheck(JudgeAddress(Reading(Peer::kUnreachable), kFound), Level::kError, "cannot be reached",
              "firewall");
}

TEST(JudgeAddress, TellsWhatADaemonIs) {
  ExpectCheck(JudgeAddress(Daemon(), kFound), Level::kOk,
              "is weftd 1.0.0, ready; cores 1,2; I/O by io_uring; target 5.0 µs met");
}

TEST(JudgeAddress, WarnsOfWhatADaemonLacks) {
  AddressReading reading = Daemon();
  reading.is_serving = false;
  ExpectCheck(JudgeAddress(reading, kFound), Level::kWarning, "drains", "wait");
  reading = Daemon();
  reading.version = "0.9.0";
  ExpectCheck(JudgeAddress(reading, kFound), Level::kWarning, "this weft is 1.0.0", "same version");
  reading = Daemon();
  reading.stats->mutable_io()->set_fallback_reason("the kernel says EPERM");
  ExpectCheck(JudgeAddress(reading, kFound), Level::kWarning, "EPERM", "ring");
  reading = Daemon();
  reading.stats->set_meeting_latency_target(false);
  reading.stats->mutable_last_10s()->set_avg_latency_ns(9'000);
  ExpectCheck(JudgeAddress(reading, kFound), Level::kWarning, "average of the last 10 s 9.0 µs",
              "executor.target_latency_ns");
}

TEST(JudgeAddress, TakesTheWorstOfSeveralFaultsAndKeepsEveryFix) {
  AddressReading reading = Daemon();
  reading.is_serving = false;
  reading.stats->set_promise_violations(3);
  ExpectCheck(JudgeAddress(reading, kFound), Level::kError, "3 broken promises", "wait");
  ExpectCheck(JudgeAddress(reading, kFound), Level::kError, "drains", "report it");
}

TEST(DefaultSocket, FollowsTheEnvironmentAndThenTheService) {
  FixtureTree tree;
  const MachineRoot root = tree.root();
  EXPECT_EQ(DefaultSocket(root, "/run/a:/run/b", "/run/user/7", true), "/run/a/weftd.sock");
  EXPECT_EQ(DefaultSocket(root, "", "/run/user/7", true), "/run/user/7/weft/weftd.sock");
  EXPECT_EQ(DefaultSocket(root, "", "", true), "/run/weft/weftd.sock");
  EXPECT_EQ(DefaultSocket(root, "", "", false), "");
  tree.Put("/run/weft/weftd.sock", "");
  EXPECT_EQ(DefaultSocket(root, "", "/run/user/7", false), "/run/weft/weftd.sock");
  tree.Put("/run/user/7/weft/weftd.sock", "");
  EXPECT_EQ(DefaultSocket(root, "", "/run/user/7", false), "/run/user/7/weft/weftd.sock");
}

TEST(Owner, IsFoundByTheSocketsNumber) {
  FixtureTree tree;
  tree.Put("/proc/net/tcp",
           "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid\n"
           "   0: 0100007F:1CF3 0100007F:9999 01 0:0 00:0 0 0 0 77 1\n"
           "   1: 0100007F:1CF3 00000000:0000 0A 0:0 00:0 0 0 0 88 1\n")
      .Put("/proc/net/unix", "Num RefCount\n0: 00000002 00000000 00010000 0001 01 99 /run/s\n")
      .Put("/proc/812/comm", "nginx\n")
      .Link("/proc/812/fd/4", "socket:[88]")
      .Link("/proc/812/fd/5", "socket:[99]")
      .Put("/proc/self/comm", "not a number\n");
  EXPECT_EQ(OwnerOfPort(tree.root(), 7411), "nginx (pid 812)");
  EXPECT_EQ(OwnerOfPort(tree.root(), 7412), "");
  EXPECT_EQ(OwnerOfPath(tree.root(), "/run/s"), "nginx (pid 812)");
  EXPECT_EQ(OwnerOfPath(tree.root(), "/run/t"), "");
}

TEST(ReadRpcAddress, TellsAnotherGrpcServerFromNobody) {
  const FixtureTree tree;
  const FakeDaemon other;
  const AddressReading reading = ReadRpcAddress(tree.root(), other.target());
  EXPECT_EQ(reading.peer, Peer::kOther);
  EXPECT_THAT(reading.answer, testing::HasSubstr("lacks weft's services"));
  Listener listener;
  listener.Close();
  EXPECT_EQ(ReadRpcAddress(tree.root(), listener.address()).peer, Peer::kNobody);
}

TEST(ReadWebAddress, KnowsWeftdByItsMetrics) {
  const FixtureTree tree;
  Listener listener;
  std::thread server([&] {
    listener.AnswerOne("HTTP/1.1 200 OK\r\n\r\nweft_x 1\nweft_build_info{version=\"1.2.3\"} 1\n");
    listener.AnswerOne("HTTP/1.1 200 OK\r\n\r\nwelcome\n");
  });
  const AddressReading ours = ReadWebAddress(tree.root(), listener.address());
  const AddressReading other = ReadWebAddress(tree.root(), listener.address());
  server.join();
  EXPECT_EQ(ours.peer, Peer::kWeftd);
  EXPECT_EQ(ours.version, "1.2.3");
  EXPECT_EQ(other.peer, Peer::kOther);
  listener.Close();
  EXPECT_EQ(ReadWebAddress(tree.root(), listener.address()).peer, Peer::kNobody);
}

}  // namespace
}  // namespace weft::doctor
