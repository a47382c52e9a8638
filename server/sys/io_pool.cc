#include "sys/io_pool.h"

#include <string>
#include <utility>

namespace weft::sys {

absl::StatusOr<std::unique_ptr<IoPool>> IoPool::Start(size_t threads,
                                                      const std::vector<int>& cpus) {
  std::unique_ptr<IoPool> pool(new IoPool());
  for (size_t i = 0; i < threads; ++i) {
    ThreadOptions options;
    options.name = "weft-io-" + std::to_string(i);
    options.cpus = cpus;
    // They are where the Door is, and who calls it: each of their operations would hold it up. With
    // the least share of all (nice 19) a hash beside a busy Door took four times as long.
    options.background = true;
    absl::StatusOr<Thread> thread = Thread::Start(options, [raw = pool.get()] { raw->Run(); });
    if (!thread.ok()) return thread.status();
    pool->threads_.push_back(*std::move(thread));
  }
  return pool;
}

IoPool::~IoPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
}

void IoPool::Push(PoolSeat* seat, IoList* operations) {
  size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    while (IoOperation* const operation = operations->Pop()) {
      operation->ring = seat;
      operation->is_waiting = true;
      queue_.Append(operation);
      ++count;
    }
  }
  for (; count > 0; --count) work_.notify_one();
}

bool IoPool::Withdraw(IoOperation* operation) {
  const std::lock_guard lock(mutex_);
  if (!operation->is_waiting) return false;
  operation->is_waiting = false;
  queue_.Remove(operation);
  return true;
}

void IoPool::Release(PoolSeat* seat) {
  std::unique_lock lock(mutex_);
  IoLevels others;
  seat->started_ = {};
  while (IoOperation* const operation = queue_.Pop()) {
    if (operation->ring != seat) others.Append(operation);
  }
  queue_ = others;
  quiet_.wait(lock, [seat] { return seat->busy_ == 0; });
}

void IoPool::Run() {
  uint8_t level = kIoLevelCount;
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    IoOperation* const operation = queue_.Pop();
    operation->is_waiting = false;
    auto* const seat = static_cast<PoolSeat*>(operation->ring);
    ++seat->busy_;
    lock.unlock();
    if (std::exchange(level, operation->priority) != operation->priority) TakeIoPriority(level);
    operation->result = RunIoOperation(*operation);
    seat->Complete(operation);
    lock.lock();
    // The seat may go from here on.
    if (--seat->busy_ == 0) quiet_.notify_all();
  }
}

}  // namespace weft::sys
