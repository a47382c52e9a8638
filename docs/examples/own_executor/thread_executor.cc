#include "thread_executor.h"

#include <algorithm>
#include <chrono>

#include "executor/poll_guarded.h"

namespace own {

using weft::BodyStep;
using weft::ExecutorError;
using Clock = std::chrono::steady_clock;

namespace {

int64_t NowNs() { return std::chrono::nanoseconds(Clock::now().time_since_epoch()).count(); }

}  // namespace

ExecutorError ThreadExecutor::Spawn(weft::TaskBody& body) {
  const std::lock_guard lock(mutex_);
  if (!is_running_) return ExecutorError::kNotRunning;
  if (count_ == kMostTasks) return ExecutorError::kOutOfResources;
  ++count_;
  fresh_.push_back({.body = &body, .number = ++last_number_});
  is_woken_ = true;
  changed_.notify_all();
  return ExecutorError::kNone;
}

ExecutorError ThreadExecutor::BlockOn(weft::TaskBody& body) {
  if (std::this_thread::get_id() == thread_.get_id()) return ExecutorError::kNotSupported;
  weft::BlockedBody blocked(
      body,
      [](void* self, weft::BlockedBody& ended) {
        auto& executor = *static_cast<ThreadExecutor*>(self);
        const std::lock_guard lock(executor.mutex_);
        ended.MarkEnded();
        executor.changed_.notify_all();
      },
      this);
  if (const ExecutorError error = Spawn(blocked); error != ExecutorError::kNone) return error;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return blocked.has_ended(); });
  return blocked.end();
}

ExecutorError ThreadExecutor::Shutdown() {
  if (std::this_thread::get_id() == thread_.get_id()) return ExecutorError::kNotSupported;
  {
    const std::lock_guard lock(mutex_);
    if (!is_running_.exchange(false)) return ExecutorError::kNotRunning;
    changed_.notify_all();
  }
  thread_.join();
  return ExecutorError::kNone;
}

// A task that has ended is none of these any more, so a late wake names nobody.
void ThreadExecutor::Wake(void* executor, uint64_t number) {
  auto& self = *static_cast<ThreadExecutor*>(executor);
  const std::lock_guard lock(self.mutex_);
  for (Task& task : self.tasks_) {
    if (task.number == number) task.is_woken = true;
  }
  self.is_woken_ = true;
  self.changed_.notify_all();
}

void ThreadExecutor::Run() {
  std::unique_lock lock(mutex_);
  bool is_last = false;
  while (!is_last) {
    is_last = !is_running_;
    is_woken_ = false;
    tasks_.insert(tasks_.end(), fresh_.begin(), fresh_.end());
    fresh_.clear();
    const int64_t now_ns = NowNs();
    for (Task& task : tasks_) {
      if (is_last || task.is_woken || task.poll_at_ns <= now_ns) Poll(task, is_last, lock);
    }
    std::erase_if(tasks_, [](const Task& task) { return task.body == nullptr; });
    Wait(lock);
  }
  lock.unlock();
  for (const Task& task : tasks_) {
    if (task.body->ended != nullptr) task.body->ended(*task.body, ExecutorError::kNotRunning);
  }
}

void ThreadExecutor::Poll(Task& task, bool is_last, std::unique_lock<std::mutex>& lock) {
  task.is_woken = false;
  weft::TaskBody& body = *task.body;
  const weft::BodyContext context = {
      .now_ns = NowNs(), .should_stop = is_last, .waker = {&Wake, this, task.number}};
  lock.unlock();
  const BodyStep step = weft::PollGuarded(body, context);
  lock.lock();
  task.poll_at_ns = step.poll_at_ns;
  if (step.kind == BodyStep::Kind::kPending) return;
  // There is room before anybody hears of the end.
  task.body = nullptr;
  task.number = 0;
  --count_;
  if (body.ended == nullptr) return;
  lock.unlock();
  body.ended(body, step.kind == BodyStep::Kind::kDone ? ExecutorError::kNone
                                                      : ExecutorError::kTaskPanicked);
  lock.lock();
}

void ThreadExecutor::Wait(std::unique_lock<std::mutex>& lock) {
  int64_t next_ns = weft::kPollOnWake;
  for (const Task& task : tasks_) next_ns = std::min(next_ns, task.poll_at_ns);
  const auto has_news = [this] { return is_woken_ || !is_running_; };
  if (next_ns == weft::kPollOnWake) {
    changed_.wait(lock, has_news);
  } else if (next_ns != weft::kPollNow) {
    changed_.wait_until(lock, Clock::time_point(std::chrono::nanoseconds(next_ns)), has_news);
  }
}

}  // namespace own
