#include "executor/fallback_executor.h"

#include "executor/blocked_body.h"
#include "executor/poll_guarded.h"

namespace weft {

ExecutorError FallbackExecutor::Spawn(TaskBody& body) {
  if (!IsRunning()) return ExecutorError::kNotRunning;
  if (count_ == kMostTasks) return ExecutorError::kOutOfResources;
  tasks_[count_++] = {.body = &body};
  return ExecutorError::kNone;
}

ExecutorError FallbackExecutor::BlockOn(TaskBody& body) {
  if (is_polling_) return ExecutorError::kNotSupported;
  BlockedBody blocked(
      body, [](void*, BlockedBody& self) { self.MarkEnded(); }, nullptr);
  if (const ExecutorError error = Spawn(blocked); error != ExecutorError::kNone) return error;
  while (!blocked.has_ended()) {
    const PollResult result = PollOnce();
    const bool may_wait = !blocked.has_ended() && result.next_ns != kPollNow;
    if (may_wait && options_.wait_until != nullptr) {
      options_.wait_until(options_.argument, result.next_ns);
    }
  }
  return blocked.end();
}

PollResult FallbackExecutor::PollOnce() {
  if (is_polling_) return {.error = ExecutorError::kNotSupported};
  if (!IsRunning()) return {.error = ExecutorError::kNotRunning};
  PollResult result;
  result.polled = Turn(/*should_stop=*/false);
  result.next_ns = NextNs();
  return result;
}

ExecutorError FallbackExecutor::Shutdown() {
  if (is_polling_) return ExecutorError::kNotSupported;
  if (!is_running_.exchange(false, std::memory_order_relaxed)) return ExecutorError::kNotRunning;
  Turn(/*should_stop=*/true);
  for (size_t i = 0; i < count_; ++i) {
    TaskBody& body = *tasks_[i].body;
    if (body.ended != nullptr) body.ended(body, ExecutorError::kNotRunning);
  }
  count_ = 0;
  return ExecutorError::kNone;
}

void FallbackExecutor::Wake(void* executor, uint64_t /*task*/) {
  auto& self = *static_cast<FallbackExecutor*>(executor);
  // A store would end what an earlier waker has released to the same turn.
  self.is_woken_.exchange(true, std::memory_order_acq_rel);
  if (self.options_.woken != nullptr) self.options_.woken(self.options_.argument);
}

int64_t FallbackExecutor::NowNs() const {
  return options_.now_ns == nullptr ? 0 : options_.now_ns(options_.argument);
}

// Those that bodies spawn meanwhile stand behind the last of this turn. Each place keeps its task
// until the turn is over: a body that ends and one that it spawns do not share one.
uint32_t FallbackExecutor::Turn(bool should_stop) {
  is_woken_.exchange(false, std::memory_order_acquire);
  const BodyContext context = {
      .now_ns = NowNs(), .should_stop = should_stop, .waker = {&Wake, this, 0}};
  const size_t polled = count_;
  is_polling_ = true;
  for (size_t i = 0; i < polled; ++i) {
    if (PollTask(tasks_[i], context)) tasks_[i].body = nullptr;
  }
  is_polling_ = false;
  ++turns_;
  DropEnded();
  return static_cast<uint32_t>(polled);
}

// True when it has ended.
bool FallbackExecutor::PollTask(Task& task, const BodyContext& context) {
  TaskBody& body = *task.body;
  const BodyStep step = PollGuarded(body, context);
  task.poll_at_ns = step.poll_at_ns;
  if (step.kind == BodyStep::Kind::kPending) return false;
  const bool is_done = step.kind == BodyStep::Kind::kDone;
  if (body.ended != nullptr) {
    body.ended(body, is_done ? ExecutorError::kNone : ExecutorError::kTaskPanicked);
  }
  return true;
}

void FallbackExecutor::DropEnded() {
  size_t kept = 0;
  for (size_t i = 0; i < count_; ++i) {
    if (tasks_[i].body != nullptr) tasks_[kept++] = tasks_[i];
  }
  count_ = kept;
}

// A time that has passed, or that there is no clock for, is now.
int64_t FallbackExecutor::NextNs() const {
  if (is_woken_.load(std::memory_order_relaxed)) return kPollNow;
  int64_t next_ns = kPollOnWake;
  for (size_t i = 0; i < count_; ++i) {
    if (tasks_[i].poll_at_ns < next_ns) next_ns = tasks_[i].poll_at_ns;
  }
  if (next_ns == kPollOnWake) return next_ns;
  return options_.now_ns == nullptr || next_ns <= NowNs() ? kPollNow : next_ns;
}

}  // namespace weft
