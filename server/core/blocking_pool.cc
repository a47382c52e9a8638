#include "core/blocking_pool.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <string>
#include <utility>

#include "sys/stack_trace.h"

namespace weft {

int64_t BlockingThread::RunIo(sys::IoOperation& operation, const sys::StopQuestion& stop) {
  io_.in_flight.Set(1);
  const int64_t result = sys::RunIoOperation(operation, stop);
  io_.in_flight.Set(0);
  const auto kind = static_cast<size_t>(operation.kind);
  io_.operations[kind].Add();
  if (result < 0) io_.failures[kind].Add();
  return result;
}

BlockingPool::BlockingPool(const BlockingOptions& options, sys::ThreadStarter starter)
    : options_(options), starter_(std::move(starter)), threads_(options.threads_max) {}

BlockingPool::~BlockingPool() { Stop(); }

absl::Status BlockingPool::Start(BlockingRun& run) {
  BlockingThread* thread = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (BlockingThread* const idle = TakeIdle()) {
      idle->next_run_ = &run;
      idle->given_.notify_one();
      return absl::OkStatus();
    }
    thread = TakeUnused();
    thread->next_run_ = &run;
    alive_.Add(1);
  }
  absl::Status status = StartThread(*thread);
  if (status.ok()) return status;
  const std::lock_guard lock(mutex_);
  RefuseThread(*thread);
  // One that became free meanwhile looks for nothing until it is told.
  BlockingThread* const idle = TakeIdle();
  if (idle == nullptr) return status;
  idle->next_run_ = &run;
  idle->given_.notify_one();
  return absl::OkStatus();
}

BlockingThread* BlockingPool::TakeIdle() {
  BlockingThread* const thread = idle_;
  if (thread == nullptr) return nullptr;
  idle_ = thread->next_idle_;
  thread->phase_ = BlockingThread::Phase::kBusy;
  return thread;
}

BlockingThread* BlockingPool::TakeUnused() {
  const auto unused = std::ranges::find(threads_, BlockingThread::Phase::kNone,
                                        [](const BlockingThread& thread) { return thread.phase_; });
  assert(unused != threads_.end());
  unused->phase_ = BlockingThread::Phase::kBusy;
  return &*unused;
}

// Not under the mutex: it waits for the thread to begin, which may even have ended by then.
absl::Status BlockingPool::StartThread(BlockingThread& thread) {
  sys::ThreadOptions options;
  options.name = "weft-block-" + std::to_string(&thread - &threads_.front());
  std::optional<sys::Thread> started;
  absl::Status status = starter_(&started, options, [this, &thread] { Run(thread); });
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  started_.Add();
  if (thread.phase_ != BlockingThread::Phase::kNone) {
    thread.thread_ = std::move(started);
  } else {
    ended_.swap(started);
  }
  return status;
}

void BlockingPool::RefuseThread(BlockingThread& thread) {
  refused_.Add();
  alive_.Add(-1);
  thread.next_run_ = nullptr;
  thread.phase_ = BlockingThread::Phase::kNone;
}

void BlockingPool::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    for (BlockingThread& thread : threads_) thread.given_.notify_one();
  }
  // From here on those that end leave this to us.
  for (BlockingThread& thread : threads_) thread.thread_.reset();
  ended_.reset();
}

// ---- A thread.

void BlockingPool::Run(BlockingThread& thread) {
  // Here, not before it began: whoever starts it waits for that.
  sys::RunBehindOthers();
  const sys::SignalStack signal_stack;
  thread.thread_id_.store(sys::ThisThreadId(), std::memory_order_relaxed);
  thread.io_level_ = sys::kIoLevelCount;
  std::unique_lock lock(mutex_);
  while (BlockingRun* const run = AwaitRun(lock, thread)) {
    busy_.Add(1);
    lock.unlock();
    run->run(*run, thread);
    lock.lock();
    GiveBack(thread);
    lock.unlock();
    run->done(*run);
    lock.lock();
  }
  End(lock, thread);
}

// Null: the thread ends.
BlockingRun* BlockingPool::AwaitRun(std::unique_lock<std::mutex>& lock, BlockingThread& thread) {
  const auto is_given = [&] { return thread.next_run_ != nullptr || stop_; };
  thread.given_.wait_for(lock, std::chrono::nanoseconds(options_.idle_ns), is_given);
  return std::exchange(thread.next_run_, nullptr);
}

// Before the core hears of the end, so that it finds the thread idle for what comes next.
void BlockingPool::GiveBack(BlockingThread& thread) {
  busy_.Add(-1);
  thread.phase_ = BlockingThread::Phase::kIdle;
  thread.next_idle_ = std::exchange(idle_, &thread);
}

// Idle, until now.
void BlockingPool::End(std::unique_lock<std::mutex>& lock, BlockingThread& thread) {
  BlockingThread** link = &idle_;
  while (*link != &thread) link = &(*link)->next_idle_;
  *link = thread.next_idle_;
  thread.phase_ = BlockingThread::Phase::kNone;
  alive_.Add(-1);
  if (stop_ || !thread.thread_.has_value()) return;
  std::optional<sys::Thread> before = std::exchange(ended_, std::move(thread.thread_));
  thread.thread_.reset();
  lock.unlock();
  // `before` is joined.
}

}  // namespace weft
