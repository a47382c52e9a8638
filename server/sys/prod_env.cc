#include "sys/prod_env.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace weft::sys {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

// The kernel reads and writes the word as a plain 32-bit integer at the atomic's address.
static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));
static_assert(std::atomic<uint32_t>::is_always_lock_free);

}  // namespace

int64_t ProdEnv::ThreadCpuNs() const {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * kNsPerSecond + used.tv_nsec;
}

void ProdEnv::Sleep(std::atomic<uint32_t>& word, uint32_t while_equal, Ticks until) {
  timespec deadline{};
  timespec* timeout = nullptr;
  if (until != kTicksForever) {
    const Ticks left = until - Now();
    if (left <= 0) return;
    ::clock_gettime(CLOCK_MONOTONIC, &deadline);
    // Rounded up, so that the sleeper does not wake a nanosecond early and sleep again.
    const int64_t ns = deadline.tv_nsec + anchor_.TicksToNs(left) + 1;
    deadline.tv_sec += ns / kNsPerSecond;
    deadline.tv_nsec = ns % kNsPerSecond;
    timeout = &deadline;
  }
  // BITSET and not plain WAIT: its timeout is absolute, so an interrupted wait does not grow.
  ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, while_equal, timeout, nullptr,
            FUTEX_BITSET_MATCH_ANY);
}

void ProdEnv::Wake(std::atomic<uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace weft::sys
