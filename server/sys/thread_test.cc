// Proves name, pinning and joining by asking the kernel from inside the thread.
#include "sys/thread.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sys/topology.h"

namespace weft::sys {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Thread, CarriesItsNameCutToWhatTheKernelHolds) {
  std::string seen;
  {
    auto thread = Thread::Start({.name = "weft-core-000017"}, [&seen] {
      char name[16] = {};
      ::pthread_getname_np(::pthread_self(), name, sizeof name);
      seen = name;
    });
    ASSERT_TRUE(thread.ok()) << thread.status();
  }
  EXPECT_EQ(seen, "weft-core-00001");
}

TEST(Thread, RunsOnTheCpuItWasGiven) {
  const std::vector<int> allowed = AllowedCpus().value();
  std::vector<int> seen;
  {
    auto thread = Thread::Start({.name = "pinned", .cpus = {allowed.back()}},
                                [&seen] { seen = AllowedCpus().value(); });
    ASSERT_TRUE(thread.ok()) << thread.status();
  }
  EXPECT_THAT(seen, ElementsAre(allowed.back()));
  EXPECT_EQ(AllowedCpus().value(), allowed) << "the starter's own mask must not change";
}

TEST(Thread, InTheBackgroundTakesASmallShareForItselfAlone) {
  const auto own_nice = [] { return ::getpriority(PRIO_PROCESS, 0); };
  const int before = own_nice();
  int seen = 0;
  {
    auto thread =
        Thread::Start({.name = "background", .background = true}, [&] { seen = own_nice(); });
    ASSERT_TRUE(thread.ok()) << thread.status();
  }
  EXPECT_EQ(seen, std::max(before, 10));
  EXPECT_EQ(own_nice(), before) << "the starter's own share must not change";
}

TEST(Thread, RunsBehindOthersOnceItAsksTo) {
  const auto own_nice = [] { return ::getpriority(PRIO_PROCESS, 0); };
  const int before = own_nice();
  int seen = 0;
  {
    auto thread = Thread::Start({.name = "behind"}, [&] {
      RunBehindOthers();
      seen = own_nice();
    });
    ASSERT_TRUE(thread.ok()) << thread.status();
  }
  EXPECT_EQ(seen, 19);
  EXPECT_EQ(own_nice(), before) << "the starter's own share must not change";
}

TEST(Thread, RefusesOneThatTheSystemHasNoRoomFor) {
  pthread_attr_t before{};
  ASSERT_EQ(::pthread_getattr_default_np(&before), 0);
  pthread_attr_t huge = before;
  ASSERT_EQ(::pthread_attr_setstacksize(&huge, size_t{1} << 47), 0);
  ASSERT_EQ(::pthread_setattr_default_np(&huge), 0);
  std::optional<Thread> thread;
  const absl::Status status =
      StartThread(&thread, {.name = "weft-big"}, [] { ADD_FAILURE() << "must not run"; });
  ASSERT_EQ(::pthread_setattr_default_np(&before), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("thread weft-big: "), HasSubstr("TasksMax=")));
  EXPECT_FALSE(thread.has_value());
}

TEST(Thread, RefusesACpuThatDoesNotExistAndNeverRunsTheBody) {
  std::atomic<bool> ran = false;
  auto thread = Thread::Start({.name = "lost", .cpus = {100'000}}, [&ran] { ran = true; });
  EXPECT_EQ(thread.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(thread.status().message()), HasSubstr("100000"));
  EXPECT_THAT(std::string(thread.status().message()), HasSubstr("thread lost"));
  EXPECT_FALSE(ran);
}

TEST(Thread, RefusesAMaskOfWhichOnlyAPartWasGranted) {
  const std::vector<int> allowed = AllowedCpus().value();
  std::vector<int> wanted = allowed;
  // The kernel drops what it does not have and reports success.
  wanted.push_back(1000);
  auto thread = Thread::Start({.name = "partial", .cpus = wanted}, [] {});
  ASSERT_EQ(thread.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(thread.status().message()), HasSubstr("granted " + FormatCpus(allowed)));
}

TEST(Thread, RefusesNegativeCpus) {
  auto thread = Thread::Start({.name = "negative", .cpus = {-3}}, [] {});
  EXPECT_EQ(thread.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Thread, PinningToNothingIsRefused) {
  EXPECT_EQ(PinThisThread({}).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Thread, AssignmentJoinsWhatItReplaces) {
  std::atomic<int> finished = 0;
  auto first = Thread::Start({.name = "first"}, [&finished] { ++finished; });
  auto second = Thread::Start({.name = "second"}, [&finished] { ++finished; });
  ASSERT_TRUE(first.ok() && second.ok());
  *first = *std::move(second);
  EXPECT_GE(finished.load(), 1);
  first->Join();
  first->Join();
  EXPECT_EQ(finished.load(), 2);
}

TEST(Thread, ReportsWhetherRealtimeWasGranted) {
  int policy = -1;
  auto thread = Thread::Start({.name = "realtime", .realtime = true}, [&policy] {
    sched_param parameters{};
    ::pthread_getschedparam(::pthread_self(), &policy, &parameters);
  });
  ASSERT_TRUE(thread.ok()) << thread.status();
  thread->Join();
  const bool granted = (policy & ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
  EXPECT_EQ(thread->realtime_status().ok(), granted) << thread->realtime_status();
}

TEST(Thread, PreparesOnItselfBeforeItsBody) {
  std::vector<std::thread::id> ids;
  ThreadOptions options{.name = "prepared"};
  options.prepare = [&ids] {
    ids.push_back(std::this_thread::get_id());
    return absl::OkStatus();
  };
  auto thread = Thread::Start(options, [&ids] { ids.push_back(std::this_thread::get_id()); });
  ASSERT_TRUE(thread.ok()) << thread.status();
  thread->Join();
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_NE(ids[0], std::this_thread::get_id());
}

TEST(Thread, DoesNotRunWhatCouldNotBePrepared) {
  ThreadOptions options{.name = "unprepared"};
  options.prepare = [] { return absl::DataLossError("no memory here"); };
  bool ran = false;
  const auto thread = Thread::Start(options, [&ran] { ran = true; });
  EXPECT_EQ(thread.status(), absl::DataLossError("no memory here"));
  EXPECT_FALSE(ran);
}

// What a realtime thread starts, the kernel's I/O workers too, is as urgent as anybody.
TEST(Thread, DoesNotHandRealtimeDown) {
  int policy = -1;
  auto thread = Thread::Start({.name = "realtime", .realtime = true}, [&policy] {
    std::thread([&policy] {
      sched_param parameters{};
      ::pthread_getschedparam(::pthread_self(), &policy, &parameters);
    }).join();
  });
  ASSERT_TRUE(thread.ok()) << thread.status();
  thread->Join();
  EXPECT_EQ(policy, SCHED_OTHER);
}

TEST(Thread, DoesNotAskForRealtimeUnasked) {
  int policy = -1;
  auto thread = Thread::Start({.name = "plain"}, [&policy] {
    sched_param parameters{};
    ::pthread_getschedparam(::pthread_self(), &policy, &parameters);
  });
  ASSERT_TRUE(thread.ok());
  thread->Join();
  EXPECT_TRUE(thread->realtime_status().ok());
  EXPECT_NE(policy, SCHED_FIFO);
}

}  // namespace
}  // namespace weft::sys
