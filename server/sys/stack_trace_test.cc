// The stack of a thread is seen from another one: the right function, no more than asked for, and
// nothing of a thread that is gone.
#include "sys/stack_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace weft::sys {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int64_t kTimeoutNs = 10'000'000'000;

struct Told {
  std::mutex mutex;
  bool told = false;

  bool Get() {
    const std::lock_guard lock(mutex);
    return told;
  }
  void Tell() {
    const std::lock_guard lock(mutex);
    told = true;
  }
};

// A mutex in the loop, since ThreadSanitizer hands signals on only at calls that it knows.
[[gnu::noinline]] void LoopUntilTold(std::atomic<int>& thread_id, Told& told) {
  thread_id.store(ThisThreadId());
  while (!told.Get()) {
  }
}

class LoopingThread {
 public:
  LoopingThread() {
    while (id.load() == 0) std::this_thread::yield();
  }
  ~LoopingThread() { told.Tell(); }

  std::atomic<int> id{0};
  Told told;

 private:
  std::jthread thread_{[this] {
    const SignalStack signal_stack;
    LoopUntilTold(id, told);
  }};
};

TEST(StackTrace, NamesWhereAnotherThreadIs) {
  ASSERT_TRUE(PrepareStackCapture().ok());
  LoopingThread looping;
  const std::vector<void*> frames = CaptureStack(looping.id.load(), kTimeoutNs);
  ASSERT_THAT(frames, Not(IsEmpty()));
  EXPECT_THAT(DescribeStack(frames, kMostFrames), HasSubstr("LoopUntilTold"));
  EXPECT_THAT(DescribeStack(frames, kMostFrames), Not(HasSubstr("OnSignal")));
}

TEST(StackTrace, IsTakenAgainAndAgain) {
  ASSERT_TRUE(PrepareStackCapture().ok());
  LoopingThread first;
  LoopingThread second;
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(CaptureStack(i % 2 == 0 ? first.id.load() : second.id.load(), kTimeoutNs),
                Not(IsEmpty()));
  }
}

TEST(StackTrace, IsEmptyForAThreadThatIsGone) {
  ASSERT_TRUE(PrepareStackCapture().ok());
  int id = 0;
  std::thread([&id] { id = ThisThreadId(); }).join();
  EXPECT_THAT(CaptureStack(id, kTimeoutNs), IsEmpty());
}

TEST(StackTrace, IsEmptyForAThreadThatDoesNotAnswer) {
  ASSERT_TRUE(PrepareStackCapture().ok());
  std::atomic<int> id{0};
  Told told;
  std::thread thread([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    LoopUntilTold(id, told);
    pthread_sigmask(SIG_UNBLOCK, &all, nullptr);  // The late signal finds nothing asked.
  });
  while (id.load() == 0) std::this_thread::yield();
  EXPECT_THAT(CaptureStack(id.load(), 1), IsEmpty());
  told.Tell();
  thread.join();
}

TEST(StackTrace, TellsNoMoreFramesThanAsked) {
  ASSERT_TRUE(PrepareStackCapture().ok());
  LoopingThread looping;
  const std::vector<void*> frames = CaptureStack(looping.id.load(), kTimeoutNs);
  EXPECT_THAT(DescribeStack(frames, 1), Not(HasSubstr(" < ")));
  EXPECT_EQ(DescribeStack(frames, 0), "");
}

TEST(StackTrace, TellsModuleAndOffsetWhereThereIsNoName) {
  EXPECT_EQ(DescribeStack({reinterpret_cast<void*>(0x10)}, 1), "[0x10]");
}

}  // namespace
}  // namespace weft::sys
