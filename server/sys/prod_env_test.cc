// Proves that Sleep returns for each of its reasons and that Wake reaches a thread that the kernel
// reports as sleeping. A broken one hangs and is ended by ctest's limit.
#include "sys/prod_env.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace weft::sys {
namespace {

// The wait in which the thread `tid` sleeps; the file starts with the number of its system call.
bool IsInFutex(int tid) {
  std::ifstream file("/proc/self/task/" + std::to_string(tid) + "/syscall");
  std::string call;
  file >> call;
  return call == std::to_string(SYS_futex);
}

TEST(ProdEnv, SleepReturnsAtOnceWhenTheWordDiffers) {
  ProdEnv env(Clock().anchor());
  std::atomic<uint32_t> word = 1;
  env.Sleep(word, 0, kTicksForever);
}

TEST(ProdEnv, SleepReturnsAtOnceWhenTheTimeHasPassed) {
  ProdEnv env(Clock().anchor());
  std::atomic<uint32_t> word = 0;
  env.Sleep(word, 0, env.Now());
  env.Sleep(word, 0, INT64_MIN / 2);
}

TEST(ProdEnv, SleepEndsAtItsTimeAndNotMuchBefore) {
  ProdEnv env(Clock().anchor());
  std::atomic<uint32_t> word = 0;
  const Ticks until = env.Now() + env.anchor().NsToTicks(2'000'000);
  int rounds = 0;
  for (; env.Now() < until; ++rounds) env.Sleep(word, 0, until);
  // A timeout in the wrong unit or of the wrong clock would return at once, thousands of times.
  EXPECT_LE(rounds, 10);
}

TEST(ProdEnv, WakeEndsASleepWithoutEnd) {
  ProdEnv env(Clock().anchor());
  std::atomic<uint32_t> word = 0;
  std::atomic<int> sleeper = 0;
  std::thread thread([&] {
    sleeper = static_cast<int>(::syscall(SYS_gettid));
    while (word.load() == 0) env.Sleep(word, 0, kTicksForever);
  });
  while (sleeper == 0 || !IsInFutex(sleeper)) std::this_thread::yield();
  word = 1;
  env.Wake(word);
  thread.join();
}

}  // namespace
}  // namespace weft::sys
