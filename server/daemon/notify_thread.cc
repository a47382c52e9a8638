#include "daemon/notify_thread.h"

#include <chrono>
#include <ctime>
#include <utility>

namespace weft {
namespace {

int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

NotifyThread::NotifyThread(ServiceReport report, std::function<ServiceReading()> read)
    : report_(std::move(report)), read_(std::move(read)) {}

NotifyThread::~NotifyThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.reset();
}

absl::Status NotifyThread::Start() {
  return sys::StartThread(&thread_, {.name = "weft-notify"}, [this] { Run(); });
}

void NotifyThread::Hurry() {
  {
    const std::lock_guard lock(mutex_);
    hurry_ = true;
  }
  changed_.notify_one();
}

void NotifyThread::Run() {
  const std::chrono::nanoseconds tick(report_.tick_ns());
  std::unique_lock lock(mutex_);
  while (!stop_) {
    hurry_ = false;
    lock.unlock();
    report_.Tick(read_(), MonotonicNs());
    lock.lock();
    changed_.wait_for(lock, tick, [this] { return stop_ || hurry_; });
  }
}

}  // namespace weft
