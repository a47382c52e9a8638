#include "executor/registry.h"

#include <time.h>

#include <algorithm>

namespace weft {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kLongestNapNs = 1'000'000;

int64_t NowNs(void* /*argument*/) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * kSecondNs + now.tv_nsec;
}

void WaitUntil(void* argument, int64_t time_ns) {
  const int64_t now_ns = NowNs(argument);
  if (time_ns <= now_ns) return;
  const timespec nap = {.tv_sec = 0, .tv_nsec = std::min(time_ns - now_ns, kLongestNapNs)};
  ::nanosleep(&nap, nullptr);
}

constinit ExecutorRegistry process_executors({.now_ns = &NowNs, .wait_until = &WaitUntil});

}  // namespace

RegisterAnswer ExecutorRegistry::Register(Executor& executor) {
  Executor* before = nullptr;
  if (current_.compare_exchange_strong(before, &executor, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
    return RegisterAnswer::kRegistered;
  }
  return before == &fallback_ ? RegisterAnswer::kTooLate : RegisterAnswer::kAlreadyRegistered;
}

Executor& ExecutorRegistry::Current() {
  Executor* current = current_.load(std::memory_order_acquire);
  if (current != nullptr) return *current;
  if (current_.compare_exchange_strong(current, &fallback_, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
    return fallback_;
  }
  return *current;
}

bool ExecutorRegistry::IsUsingFallback() const {
  const Executor* const current = current_.load(std::memory_order_acquire);
  return current == nullptr || current == &fallback_;
}

ExecutorRegistry& ProcessExecutors() { return process_executors; }

}  // namespace weft
