#include "embed/core_executor.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <vector>

#include "async/spawn.h"
#include "async/sync.h"
#include "executor/blocked_body.h"
#include "executor/poll_guarded.h"

namespace weft {

// Protocol: whoever wakes sets the event of the place, which the core sees after all that was
// written before; the task resets it before each poll, so that a wake during one is not lost.
class CoreExecutor::Parts {
 public:
  Parts(CoreGroup* group, TurnedExecutor* turned) : turned_(turned) {
    if (turned != nullptr) cores_.emplace_back(turned->host());
    for (size_t i = 0; group != nullptr && i < group->size(); ++i) {
      cores_.emplace_back(**group->CoreAt(i));
    }
  }

  ExecutorError Spawn(TaskBody& body);
  ExecutorError BlockOn(TaskBody& body);
  PollResult PollOnce();
  ExecutorError Shutdown();
  void TakeLateWakes();

  bool is_running() const { return is_running_.load(std::memory_order_acquire); }
  size_t task_count() {
    const std::lock_guard lock(mutex_);
    return live_;
  }

 private:
  static constexpr size_t kTurnItems = 64;

  // Where one body is at a time; kept for ever, since a waker may name it.
  struct Place {
    explicit Place(TaskHost& host) : woken(host) {}

    std::atomic<uint64_t> task{1};  // Which of them has it.
    TaskBody* body = nullptr;
    Event woken;
  };
  struct HostCore {
    explicit HostCore(TaskHost& host_in) : host(host_in) {}

    TaskHost& host;
    std::deque<Place> places;
    std::vector<Place*> free;
  };

  bool SpawnOn(HostCore& core, TaskBody& body, ExecutorError* refusal);
  static void WakePlace(void* place, uint64_t task);
  void Run(HostCore& core, Place& place, TaskContext& context);
  ExecutorError PollToTheEnd(Place& place, TaskContext& context);
  void End(HostCore& core, Place& place, ExecutorError end);
  bool MayBlock() const;
  // Until it answers true, which only a task's end can bring about.
  template <class Condition>
  void BlockUntil(Condition is_over);

  TurnedExecutor* const turned_;
  std::atomic<bool> is_running_{true};
  uint32_t polls_ = 0;  // With an executor that is turned: of this PollOnce.
  std::mutex mutex_;
  // From here on guarded by the mutex.
  std::condition_variable ended_;
  std::deque<HostCore> cores_;
  size_t next_core_ = 0;
  size_t live_ = 0;    // Spawned and not ended,
  size_t ending_ = 0;  // and those whose `ended` is being called.
};

// Beginning with the next in turn, the first core that has room.
ExecutorError CoreExecutor::Parts::Spawn(TaskBody& body) {
  const std::lock_guard lock(mutex_);
  if (!is_running()) return ExecutorError::kNotRunning;
  ExecutorError refusal = ExecutorError::kNone;
  for (size_t i = 0; i < cores_.size(); ++i) {
    if (SpawnOn(cores_[next_core_++ % cores_.size()], body, &refusal)) return ExecutorError::kNone;
  }
  return refusal;
}

// Under the mutex, for which the task's end waits.
bool CoreExecutor::Parts::SpawnOn(HostCore& core, TaskBody& body, ExecutorError* refusal) {
  if (core.free.empty()) {
    core.free.push_back(&core.places.emplace_back(core.host));
    core.free.reserve(core.places.size());  // So that nothing is allocated at an end.
  }
  Place& place = *core.free.back();
  place.body = &body;
  const absl::Status status = SpawnDetached(
      core.host, [this, &core, &place](TaskContext& context) { Run(core, place, context); });
  if (!status.ok()) {
    place.body = nullptr;
    *refusal = absl::IsResourceExhausted(status) ? ExecutorError::kOutOfResources
                                                 : ExecutorError::kNotRunning;
    return false;
  }
  core.free.pop_back();
  ++live_;
  return true;
}

void CoreExecutor::Parts::Run(HostCore& core, Place& place, TaskContext& context) {
  End(core, place, PollToTheEnd(place, context));
}

ExecutorError CoreExecutor::Parts::PollToTheEnd(Place& place, TaskContext& context) {
  for (;;) {
    place.woken.Reset();
    const BodyContext poll = {
        .now_ns = context.NowNs(),
        .should_stop = !is_running(),
        .waker = {&WakePlace, &place, place.task.load(std::memory_order_relaxed)}};
    if (turned_ != nullptr) ++polls_;
    const BodyStep step = PollGuarded(*place.body, poll);
    if (step.kind == BodyStep::Kind::kDone) return ExecutorError::kNone;
    if (step.kind == BodyStep::Kind::kPanicked) return ExecutorError::kTaskPanicked;
    if (poll.should_stop) return ExecutorError::kNotRunning;
    // One that has woken itself lets others go first as well.
    if (step.poll_at_ns <= poll.now_ns || place.woken.is_set()) {
      context.Yield();
    } else {
      place.woken.Wait(context, step.poll_at_ns);
    }
  }
}

// The place is free before anybody hears of the end, so that whoever does finds room.
void CoreExecutor::Parts::End(HostCore& core, Place& place, ExecutorError end) {
  TaskBody& body = *place.body;
  {
    const std::lock_guard lock(mutex_);
    place.task.fetch_add(1, std::memory_order_relaxed);
    place.body = nullptr;
    core.free.push_back(&place);
    --live_;
    ++ending_;
  }
  if (body.ended != nullptr) body.ended(body, end);
  // With the mutex released this may be gone.
  const std::lock_guard lock(mutex_);
  --ending_;
  ended_.notify_all();
}

// Any thread. One that comes late wakes the place's next body for nothing, at worst.
void CoreExecutor::Parts::WakePlace(void* place_argument, uint64_t task) {
  auto& place = *static_cast<Place*>(place_argument);
  if (place.task.load(std::memory_order_relaxed) == task) place.woken.Set();
}

bool CoreExecutor::Parts::MayBlock() const {
  return turned_ != nullptr ? turned_->CheckCaller().ok() : !TaskHost::IsTurning();
}

template <class Condition>
void CoreExecutor::Parts::BlockUntil(Condition is_over) {
  std::unique_lock lock(mutex_);
  if (turned_ == nullptr) return ended_.wait(lock, is_over);
  while (!is_over()) {
    lock.unlock();
    turned_->Run(kTurnItems).IgnoreError();  // It may be turned here, see MayBlock.
    lock.lock();
  }
}

ExecutorError CoreExecutor::Parts::BlockOn(TaskBody& body) {
  if (!MayBlock()) return ExecutorError::kNotSupported;
  BlockedBody blocked(
      body,
      [](void* self, BlockedBody& ended) {
        auto& parts = *static_cast<Parts*>(self);
        const std::lock_guard lock(parts.mutex_);
        ended.MarkEnded();
        parts.ended_.notify_all();
      },
      this);
  if (const ExecutorError error = Spawn(blocked); error != ExecutorError::kNone) return error;
  BlockUntil([&] { return blocked.has_ended(); });
  return blocked.end();
}

PollResult CoreExecutor::Parts::PollOnce() {
  if (turned_ == nullptr || !MayBlock()) return {.error = ExecutorError::kNotSupported};
  if (!is_running()) return {.error = ExecutorError::kNotRunning};
  polls_ = 0;
  const auto polled = turned_->PollOnce(std::max<size_t>(1, task_count()));
  if (!polled.ok()) return {.error = ExecutorError::kNotSupported};
  const int64_t next_ns = polled->next_ns == kNoEnd ? kPollOnWake : polled->next_ns;
  return {.polled = polls_, .next_ns = turned_->has_ready() ? kPollNow : next_ns};
}

ExecutorError CoreExecutor::Parts::Shutdown() {
  if (!MayBlock()) return ExecutorError::kNotSupported;
  {
    const std::lock_guard lock(mutex_);
    if (!is_running_.exchange(false)) return ExecutorError::kNotRunning;
    for (HostCore& core : cores_) {
      for (Place& place : core.places) {
        if (place.body != nullptr) place.woken.Set();
      }
    }
  }
  BlockUntil([&] { return live_ + ending_ == 0; });
  return ExecutorError::kNone;
}

// Which only a turn of the executor opens; those of a group's cores are.
void CoreExecutor::Parts::TakeLateWakes() {
  if (turned_ != nullptr) turned_->PollOnce(1).IgnoreError();
}

CoreExecutor::CoreExecutor(CoreGroup& group) : parts_(std::make_unique<Parts>(&group, nullptr)) {}
CoreExecutor::CoreExecutor(TurnedExecutor& turned)
    : parts_(std::make_unique<Parts>(nullptr, &turned)) {}
CoreExecutor::~CoreExecutor() {
  if (parts_->Shutdown() == ExecutorError::kNotSupported) {
    // Bodies would be polled that are gone.
    std::fputs("weft: a CoreExecutor must not go within a task, or on a foreign thread\n", stderr);
    std::abort();
  }
  parts_->TakeLateWakes();
}

ExecutorError CoreExecutor::Spawn(TaskBody& body) { return parts_->Spawn(body); }
ExecutorError CoreExecutor::BlockOn(TaskBody& body) { return parts_->BlockOn(body); }
PollResult CoreExecutor::PollOnce() { return parts_->PollOnce(); }
bool CoreExecutor::IsRunning() const { return parts_->is_running(); }
ExecutorError CoreExecutor::Shutdown() { return parts_->Shutdown(); }
size_t CoreExecutor::task_count() const { return parts_->task_count(); }

}  // namespace weft
