#include "embed/core_executor.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "async/bridge.h"
#include "async/spawn.h"
#include "executor/blocked_body.h"

namespace weft {

class CoreExecutor::Parts {
 public:
  Parts(CoreGroup* group, TurnedExecutor* turned) : turned_(turned) {
    if (turned != nullptr) hosts_.push_back({&turned->host(), turned->stacks()});
    for (size_t i = 0; group != nullptr && i < group->size(); ++i) {
      hosts_.push_back({*group->CoreAt(i), group->stacks()});
    }
  }

  ExecutorError Spawn(TaskBody& body);
  ExecutorError BlockOn(TaskBody& body);
  PollResult PollOnce();
  ExecutorError Shutdown();
  void AwaitBlocked();

  bool is_running() const { return is_running_.load(std::memory_order_acquire); }
  size_t task_count() {
    const std::lock_guard lock(mutex_);
    return live_;
  }

 private:
  static constexpr size_t kTurnItems = 64;

  struct Host {
    TaskHost* host;
    uint32_t stacks;
    uint32_t live = 0;  // Bodies, guarded by the mutex.
  };
  // What the task polls in a body's place, so that a shutdown reaches it. On the task's stack.
  class Held final : public TaskBody {
   public:
    Held(Parts& parts, Host& host, TaskBody& body)
        : TaskBody{.poll = &Poll, .ended = &Ended}, parts_(parts), host_(host), body_(body) {}

   private:
    friend class Parts;
    static BodyStep Poll(TaskBody& self, const BodyContext& context);
    static void Ended(TaskBody& self, ExecutorError end);

    Parts& parts_;
    Host& host_;
    TaskBody& body_;
    bool was_stopped_ = false;  // By a shutdown, and was not done.
    // Guarded by the parts' mutex: in the list of those that have been polled.
    bool is_listed_ = false;
    BodyWaker waker_;
    Held* next_ = nullptr;
    Held* previous_ = nullptr;
  };

  ExecutorError SpawnOn(Host& host, TaskBody& body);
  // Keeps the parts for as long as the calling thread is here.
  class Blocked {
   public:
    explicit Blocked(Parts& parts) : parts_(parts) {
      const std::lock_guard lock(parts_.mutex_);
      ++parts_.blocked_;
    }
    ~Blocked() {
      const std::lock_guard lock(parts_.mutex_);
      --parts_.blocked_;
      parts_.ended_.notify_all();
    }
    Blocked(const Blocked&) = delete;
    Blocked& operator=(const Blocked&) = delete;

   private:
    Parts& parts_;
  };

  void List(Held& held, BodyWaker waker);
  void Unlist(Held& held);
  bool MayBlock() const;
  // Until it answers true, which only a task's end can bring about.
  template <class Condition>
  void BlockUntil(Condition is_over);

  TurnedExecutor* const turned_;
  std::vector<Host> hosts_;
  std::atomic<bool> is_running_{true};
  uint32_t polls_ = 0;  // With an executor that is turned: of this PollOnce.
  std::mutex mutex_;
  // From here on guarded by the mutex.
  std::condition_variable ended_;
  size_t next_host_ = 0;
  size_t live_ = 0;     // Spawned and not ended,
  size_t ending_ = 0;   // and those whose `ended` is being called.
  size_t blocked_ = 0;  // Threads within BlockOn and Shutdown.
  Held* polled_ = nullptr;
};

// Beginning with the next in turn, the first core that has room. The mutex is held, for which the
// task's end waits.
ExecutorError CoreExecutor::Parts::Spawn(TaskBody& body) {
  const std::lock_guard lock(mutex_);
  if (!is_running()) return ExecutorError::kNotRunning;
  ExecutorError refusal = ExecutorError::kNone;
  for (size_t i = 0; i < hosts_.size(); ++i) {
    Host& host = hosts_[next_host_++ % hosts_.size()];
    refusal = SpawnOn(host, body);
    if (refusal == ExecutorError::kNone) return refusal;
  }
  return refusal;
}

ExecutorError CoreExecutor::Parts::SpawnOn(Host& host, TaskBody& body) {
  if (host.live == host.stacks) return ExecutorError::kOutOfResources;
  const absl::Status status = SpawnDetached(*host.host, [this, &host, &body](TaskContext& context) {
    Held held(*this, host, body);
    RunBody(context, held);
  });
  if (absl::IsResourceExhausted(status)) return ExecutorError::kOutOfResources;
  if (!status.ok()) return ExecutorError::kNotRunning;
  ++host.live;
  ++live_;
  return ExecutorError::kNone;
}

// Listed before it asks whether the executor still runs: either it sees the shutdown here, or the
// shutdown wakes it.
BodyStep CoreExecutor::Parts::Held::Poll(TaskBody& self, const BodyContext& context) {
  auto& held = static_cast<Held&>(self);
  Parts& parts = held.parts_;
  if (parts.turned_ != nullptr) ++parts.polls_;
  if (!held.is_listed_) parts.List(held, context.waker);
  BodyContext poll = context;
  const bool is_over = !parts.is_running();
  poll.should_stop |= is_over;
  const BodyStep step = held.body_.poll(held.body_, poll);
  if (!is_over || step.kind != BodyStep::Kind::kPending) return step;
  held.was_stopped_ = true;
  return BodyStep::Done();
}

// Nothing is counted any more before anybody hears of the end.
void CoreExecutor::Parts::Held::Ended(TaskBody& self, ExecutorError end) {
  auto& held = static_cast<Held&>(self);
  Parts& parts = held.parts_;
  {
    const std::lock_guard lock(parts.mutex_);
    parts.Unlist(held);
    --held.host_.live;
    --parts.live_;
    ++parts.ending_;
  }
  TaskBody& body = held.body_;
  if (body.ended != nullptr) body.ended(body, held.was_stopped_ ? ExecutorError::kNotRunning : end);
  // With the mutex released the parts may be gone.
  const std::lock_guard lock(parts.mutex_);
  --parts.ending_;
  parts.ended_.notify_all();
}

void CoreExecutor::Parts::List(Held& held, BodyWaker waker) {
  const std::lock_guard lock(mutex_);
  held.is_listed_ = true;
  held.waker_ = waker;
  held.next_ = polled_;
  if (polled_ != nullptr) polled_->previous_ = &held;
  polled_ = &held;
}

void CoreExecutor::Parts::Unlist(Held& held) {
  if (!held.is_listed_) return;
  (held.previous_ == nullptr ? polled_ : held.previous_->next_) = held.next_;
  if (held.next_ != nullptr) held.next_->previous_ = held.previous_;
}

bool CoreExecutor::Parts::MayBlock() const {
  return turned_ != nullptr ? turned_->CheckCaller().ok() : !TaskHost::IsTurning();
}

template <class Condition>
void CoreExecutor::Parts::BlockUntil(Condition is_over) {
  std::unique_lock lock(mutex_);
  while (!is_over()) {
    if (turned_ == nullptr) {
      ended_.wait(lock);
      continue;
    }
    lock.unlock();
    turned_->Run(kTurnItems).IgnoreError();  // It may be turned here, see MayBlock.
    lock.lock();
  }
}

ExecutorError CoreExecutor::Parts::BlockOn(TaskBody& body) {
  if (!MayBlock()) return ExecutorError::kNotSupported;
  const Blocked here(*this);
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
  const Blocked here(*this);
  {
    const std::lock_guard lock(mutex_);
    if (!is_running_.exchange(false)) return ExecutorError::kNotRunning;
    for (Held* held = polled_; held != nullptr; held = held->next_) held->waker_.Wake();
  }
  BlockUntil([&] { return live_ + ending_ == 0; });
  return ExecutorError::kNone;
}

// Whoever was woken by the shutdown is still to leave.
void CoreExecutor::Parts::AwaitBlocked() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return blocked_ + live_ + ending_ == 0; });
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
  parts_->AwaitBlocked();
}

ExecutorError CoreExecutor::Spawn(TaskBody& body) { return parts_->Spawn(body); }
ExecutorError CoreExecutor::BlockOn(TaskBody& body) { return parts_->BlockOn(body); }
PollResult CoreExecutor::PollOnce() { return parts_->PollOnce(); }
bool CoreExecutor::IsRunning() const { return parts_->is_running(); }
ExecutorError CoreExecutor::Shutdown() { return parts_->Shutdown(); }
size_t CoreExecutor::task_count() const { return parts_->task_count(); }

}  // namespace weft
