#include "sys/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace weft::sys {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

void FutexWait(std::atomic<uint32_t>& word, uint32_t while_equal, int64_t timeout_ns) {
  const timespec timeout{.tv_sec = timeout_ns / kNsPerSecond, .tv_nsec = timeout_ns % kNsPerSecond};
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, while_equal, timeout_ns < 0 ? nullptr : &timeout,
            nullptr, 0);
}

void FutexWake(std::atomic<uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace weft::sys
