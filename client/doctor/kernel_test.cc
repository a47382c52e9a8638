#include "client/doctor/kernel.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "client/doctor/expectations.h"
#include "client/doctor/fixture_tree.h"

// Proves what is said of each kernel, and of each reason for which a ring is refused.
namespace weft::doctor {
namespace {

TEST(JudgeKernel, KnowsWhatEachReleaseLacks) {
  ExpectCheck(JudgeKernel({"6.1.0-18-amd64"}), Level::kOk, "Linux 6.1.0-18-amd64");
  ExpectCheck(JudgeKernel({"10.0-rc1"}), Level::kOk, "10.0");
  ExpectCheck(JudgeKernel({"5.15.0"}), Level::kWarning, "io_uring", "6.1");
  ExpectCheck(JudgeKernel({"5.4.0"}), Level::kError, "openat2", "6.1");
  ExpectCheck(JudgeKernel({""}), Level::kWarning, "cannot be read", "/proc");
  ExpectCheck(JudgeKernel({"six"}), Level::kWarning, "six", "/proc");
}

TEST(ReadKernel, TakesTheRelease) {
  FixtureTree tree;
  tree.Put("/proc/sys/kernel/osrelease", "6.9.1\n");
  EXPECT_EQ(ReadKernel(tree.root()).release, "6.9.1");
}

RingReading Refusal(int error) { return {.error = error, .failed_call = "io_uring_setup"}; }

TEST(JudgeRing, IsOkWhenItWorks) {
  RingReading reading;
  reading.no_op_ns = 180;
  reading.has_deferred_taskrun = true;
  ExpectCheck(JudgeRing(reading), Level::kOk, "with deferred task work; a no-op takes 180 ns");
  reading.has_deferred_taskrun = false;
  ExpectCheck(JudgeRing(reading), Level::kOk, "without deferred");
}

TEST(JudgeRing, NamesTheSysctlThatForbidsIt) {
  RingReading reading = Refusal(EPERM);
  reading.disabled = 2;
  ExpectCheck(JudgeRing(reading), Level::kWarning, "io_uring_disabled is 2", "io_uring_disabled=0");
  reading.disabled = 1;
  ExpectCheck(JudgeRing(reading), Level::kWarning, "is 1", "io_uring_group");
}

TEST(JudgeRing, NamesTheSeccompFilter) {
  RingReading reading = Refusal(EPERM);
  reading.is_filtered = true;
  reading.disabled = 0;
  ExpectCheck(JudgeRing(reading), Level::kWarning, "seccomp", "--security-opt");
  reading.error = ENOSYS;
  ExpectCheck(JudgeRing(reading), Level::kWarning, "seccomp", "--security-opt");
}

TEST(JudgeRing, NamesEveryOtherCause) {
  ExpectCheck(JudgeRing(Refusal(EACCES)), Level::kWarning, "security module", "audit");
  ExpectCheck(JudgeRing(Refusal(ENOSYS)), Level::kWarning, "ENOSYS", "CONFIG_IO_URING");
  ExpectCheck(JudgeRing(Refusal(ENOMEM)), Level::kWarning, "locked", "LimitMEMLOCK");
  ExpectCheck(JudgeRing(Refusal(EMFILE)), Level::kWarning, "descriptor", "LimitNOFILE");
  ExpectCheck(JudgeRing(Refusal(EINVAL)), Level::kWarning, "Invalid argument", "dmesg");
}

TEST(JudgeRing, TellsWhatHappensWithoutIt) {
  ExpectCheck(JudgeRing(Refusal(ENOSYS)), Level::kWarning, "", "through threads");
}

TEST(ReadRing, TakesWhatExplainsARefusal) {
  FixtureTree tree;
  tree.Put("/proc/sys/kernel/io_uring_disabled", "1\n").Put("/proc/self/status", "Seccomp:\t2\n");
  const RingReading reading = ReadRing(tree.root());
  EXPECT_EQ(reading.disabled, 1);
  EXPECT_TRUE(reading.is_filtered);
  // Whether this kernel grants a ring is not for the test to say, but one of the two must be told.
  EXPECT_EQ(reading.error == 0, reading.failed_call.empty());
}

}  // namespace
}  // namespace weft::doctor
