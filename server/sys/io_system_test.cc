// Which backend is chosen and what is said about it. Kernels that refuse are played by a seccomp
// filter on a thread of its own, which must be the last thing that thread does.
#include "sys/io_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <thread>

namespace weft::sys {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The calling thread gets `error` from io_uring_setup from now on. False: not possible here.
bool RefuseIoUring(int error) {
  std::array<sock_filter, 4> code = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

void WhereRefused(int error, const std::function<void()>& body) {
  bool refused = false;
  std::thread([&] {
    refused = RefuseIoUring(error);
    if (refused) body();
  }).join();
  if (!refused) GTEST_SKIP() << "no seccomp filter here";
}

TEST(IoSystem, TakesThreadsWhenToldAndGivesNoReason) {
  const auto system = IoSystem::Open({.backend = IoChoice::kThreads}, 2, {});
  ASSERT_TRUE(system.ok());
  EXPECT_EQ((*system)->backend(), "threads");
  EXPECT_EQ((*system)->fallback_reason(), "");
  EXPECT_EQ((*system)->threads(), 4u);
}

// Where the kernel refuses io_uring, all threads do all the work: the test above.
TEST(IoSystem, HasNoMoreThreadsThanToldForHints) {
  for (const uint32_t threads : {1U, 2U, 4U}) {
    const auto system = IoSystem::Open({.threads = threads}, 1, {});
    ASSERT_TRUE(system.ok());
    if ((*system)->backend() != "io_uring") GTEST_SKIP() << (*system)->fallback_reason();
    EXPECT_EQ((*system)->threads(), std::min(threads, 2U));
  }
}

TEST(IoSystem, GivesEachCoreItsRingOnce) {
  const auto system = IoSystem::Open({.ring_entries = 16}, 2, {});
  ASSERT_TRUE(system.ok());
  for (size_t core = 0; core < 2; ++core) {
    const auto ring = (*system)->TakeRing(core);
    ASSERT_NE(ring, nullptr);
    EXPECT_EQ(ring->capacity(), 16u);
    EXPECT_EQ((*system)->TakeRing(core), nullptr);
  }
  EXPECT_EQ((*system)->TakeRing(2), nullptr);
}

TEST(IoSystem, FallsBackWhereASeccompProfileRefuses) {
  WhereRefused(EPERM, [] {
    const auto system = IoSystem::Open({}, 1, {});
    ASSERT_TRUE(system.ok());
    EXPECT_EQ((*system)->backend(), "threads");
    EXPECT_NE((*system)->TakeRing(0), nullptr);
    EXPECT_FALSE((*system)->fallback_reason().empty());
  });
}

TEST(IoSystem, FallsBackWhereTheKernelHasNone) {
  WhereRefused(ENOSYS, [] {
    const auto system = IoSystem::Open({}, 1, {});
    ASSERT_TRUE(system.ok());
    EXPECT_EQ((*system)->backend(), "threads");
    EXPECT_THAT((*system)->fallback_reason(), HasSubstr("ENOSYS"));
  });
}

TEST(IoSystem, RefusesToStartWhenIoUringIsAskedForAndRefused) {
  WhereRefused(ENOSYS, [] {
    const auto system = IoSystem::Open({.backend = IoChoice::kIoUring}, 1, {});
    EXPECT_EQ(system.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(system.status().message()),
                AllOf(HasSubstr("io.backend"), HasSubstr("ENOSYS"), HasSubstr("CONFIG_IO_URING")));
  });
}

TEST(ExplainRefusal, NamesTheCauseAndTheFix) {
  EXPECT_THAT(ExplainRefusal({.error = EPERM}, {.disabled_sysctl = 2}),
              AllOf(HasSubstr("kernel.io_uring_disabled is 2"), HasSubstr("set it to 0")));
  EXPECT_THAT(ExplainRefusal({.error = EPERM}, {}),
              AllOf(HasSubstr("seccomp"), HasSubstr("io_uring_enter")));
  EXPECT_THAT(ExplainRefusal({.error = ENOMEM}, {.memlock_bytes = 65536}),
              AllOf(HasSubstr("65536"), HasSubstr("LimitMEMLOCK")));
  EXPECT_THAT(ExplainRefusal({.lacks_operation = true, .missing = IoKind::kRename}, {}),
              AllOf(HasSubstr("rename"), HasSubstr("5.11")));
  EXPECT_THAT(ExplainRefusal({.error = EMFILE}, {}),
              AllOf(HasSubstr("Too many open files"), HasSubstr("io.backend")));
}

}  // namespace
}  // namespace weft::sys
