// Proves that the pool runs what it is given, each on a thread of its own, reuses the thread that
// idled last, lets idle threads end and their stacks go, and waits at its end for what runs.
#include "core/blocking_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace weft {
namespace {

// A run that waits to be let go.
struct TestRun : BlockingRun {
  TestRun() : BlockingRun{.run = &Run, .done = &Done} {}

  static void Run(BlockingRun& self, BlockingThread& thread) {
    auto& test = static_cast<TestRun&>(self);
    test.thread = &thread;
    test.nice = ::getpriority(PRIO_PROCESS, 0);
    test.runs.store(true);
    while (!test.let_go.load()) std::this_thread::yield();
  }
  static void Done(BlockingRun& self) { static_cast<TestRun&>(self).done_told.store(true); }

  void Await(const std::atomic<bool>& flag) const {
    while (!flag.load()) std::this_thread::yield();
  }

  BlockingThread* thread = nullptr;
  int nice = 0;
  std::atomic<bool> runs{false};
  std::atomic<bool> let_go{false};
  std::atomic<bool> done_told{false};
};

constexpr int64_t kLongNs = 3'600'000'000'000;

TEST(BlockingPool, RunsEachOnAThreadOfItsOwn) {
  BlockingPool pool({.threads_max = 3, .idle_ns = kLongNs});
  EXPECT_EQ(pool.alive(), 0U) << "none before there is work";
  std::deque<TestRun> runs(3);
  std::set<BlockingThread*> threads;
  for (TestRun& run : runs) {
    ASSERT_TRUE(pool.Start(run).ok());
    run.Await(run.runs);
    threads.insert(run.thread);
    EXPECT_NE(run.thread->thread_id(), 0);
  }
  EXPECT_EQ(threads.size(), 3U);
  EXPECT_EQ(pool.alive(), 3U);
  EXPECT_EQ(pool.busy(), 3U);
  for (TestRun& run : runs) {
    run.let_go = true;
    run.Await(run.done_told);
  }
  EXPECT_EQ(pool.busy(), 0U);
}

TEST(BlockingPool, ItsThreadsRunBehindOthersAndWhoStartsThemDoesNot) {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  BlockingPool pool({.threads_max = 1, .idle_ns = kLongNs},
                    [&](std::optional<sys::Thread>* thread, const sys::ThreadOptions& options,
                        std::function<void()> body) {
                      EXPECT_FALSE(options.background) << "its starter would wait for it so long";
                      return sys::StartThread(thread, options, std::move(body));
                    });
  TestRun run;
  run.let_go = true;
  ASSERT_TRUE(pool.Start(run).ok());
  run.Await(run.done_told);
  EXPECT_EQ(run.nice, 19);
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), before);
}

TEST(BlockingPool, GivesWorkToTheThreadThatIdledLast) {
  BlockingPool pool({.threads_max = 3, .idle_ns = kLongNs});
  TestRun first;
  TestRun second;
  ASSERT_TRUE(pool.Start(first).ok());
  ASSERT_TRUE(pool.Start(second).ok());
  for (TestRun* run : {&first, &second}) {
    run->Await(run->runs);
    run->let_go = true;
    run->Await(run->done_told);
  }
  for (int i = 0; i < 10; ++i) {
    TestRun again;
    again.let_go = true;
    ASSERT_TRUE(pool.Start(again).ok());
    again.Await(again.done_told);
    EXPECT_EQ(again.thread, second.thread);
  }
  EXPECT_EQ(pool.started(), 2U);
}

TEST(BlockingPool, LetsIdleThreadsEndAndStartsOthersInTheirPlace) {
  BlockingPool pool({.threads_max = 1, .idle_ns = 1});
  for (int i = 0; i < 20; ++i) {
    TestRun run;
    run.let_go = true;
    ASSERT_TRUE(pool.Start(run).ok());
    run.Await(run.done_told);
  }
  while (pool.alive() > 0) std::this_thread::yield();
  TestRun run;
  run.let_go = true;
  ASSERT_TRUE(pool.Start(run).ok());
  run.Await(run.done_told);
  EXPECT_GE(pool.started(), 2U);
  EXPECT_EQ(pool.refused(), 0U);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // They keep memory themselves.
// What may be written to, stacks included.
uint64_t WritableKiB() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmData:"))
      return std::stoull(line.substr(line.find_first_of("0123456789")));
  }
  return 0;
}

TEST(BlockingPool, GivesTheStacksOfEndedThreadsBackWhileNothingIsToDo) {
  constexpr size_t kThreads = 64;
  // The C library keeps 40 MiB of stacks for threads to come.
  constexpr uint64_t kKeptKiB = 60 * 1024;
  BlockingPool pool({.threads_max = kThreads, .idle_ns = 1});
  const uint64_t before = WritableKiB();
  std::deque<TestRun> runs(kThreads);
  for (TestRun& run : runs) ASSERT_TRUE(pool.Start(run).ok());
  for (TestRun& run : runs) run.Await(run.runs);
  ASSERT_GT(WritableKiB(), before + kKeptKiB);
  for (TestRun& run : runs) run.let_go = true;
  while (pool.alive() > 0) std::this_thread::yield();
  while (WritableKiB() > before + kKeptKiB) std::this_thread::yield();
}
#endif

TEST(BlockingPool, ManyThreadsBeginAndEndAtOnce) {
  BlockingPool pool({.threads_max = 8, .idle_ns = 1});
  for (int round = 0; round < 50; ++round) {
    std::deque<TestRun> runs(8);
    for (TestRun& run : runs) {
      run.let_go = true;
      ASSERT_TRUE(pool.Start(run).ok());
    }
    for (TestRun& run : runs) run.Await(run.done_told);
  }
  while (pool.alive() > 0) std::this_thread::yield();
  EXPECT_EQ(pool.busy(), 0U);
  EXPECT_EQ(pool.refused(), 0U);
}

TEST(BlockingPool, RefusesARunWhenNoThreadIsGrantedAndNoneIsFree) {
  bool is_granted = true;
  BlockingPool pool({.threads_max = 2, .idle_ns = kLongNs},
                    [&](std::optional<sys::Thread>* thread, const sys::ThreadOptions& options,
                        std::function<void()> body) -> absl::Status {
                      if (!is_granted) {
                        EXPECT_EQ(pool.busy(), 1U) << "nothing runs there before it is granted";
                        return absl::ResourceExhaustedError("no more threads");
                      }
                      return sys::StartThread(thread, options, std::move(body));
                    });
  TestRun first;
  ASSERT_TRUE(pool.Start(first).ok());
  first.Await(first.runs);
  is_granted = false;
  TestRun second;
  EXPECT_EQ(pool.Start(second).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(pool.refused(), 1U);
  EXPECT_EQ(pool.started(), 1U);
  EXPECT_EQ(pool.alive(), 1U);
  EXPECT_EQ(pool.busy(), 1U);
  first.let_go = true;
  first.Await(first.done_told);
  EXPECT_FALSE(second.runs) << "it was refused";
  TestRun third;
  third.let_go = true;
  ASSERT_TRUE(pool.Start(third).ok()) << "the first one's thread is free";
  third.Await(third.done_told);
}

TEST(BlockingPool, WaitsAtItsEndForWhatRuns) {
  TestRun run;
  {
    BlockingPool pool({.threads_max = 1, .idle_ns = kLongNs});
    ASSERT_TRUE(pool.Start(run).ok());
    run.Await(run.runs);
    run.let_go = true;
  }
  EXPECT_TRUE(run.done_told.load());
}

}  // namespace
}  // namespace weft
