#include "executor/asio_executor.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "executor/blocked_body.h"
#include "executor/poll_guarded.h"
#include "sys/thread.h"

namespace weft {
namespace {

using boost::asio::io_context;
using Clock = std::chrono::steady_clock;

// A place for tasks, one after another. Its word says which of them has it, and how that stands.
enum class Stand : uint8_t {
  kFree,
  kIdle,         // Waits for a wake, a timer's included.
  kPosted,       // It is in the context's queue.
  kPolled,       // By the thread that made it so, which alone touches the rest of the place.
  kPolledWoken,  // And is to be polled once more.
};
constexpr int kStandBits = 3;
constexpr uint64_t kStandMask = (uint64_t{1} << kStandBits) - 1;

uint64_t WordOf(uint64_t task, Stand stand) {
  return (task << kStandBits) | static_cast<uint64_t>(stand);
}
uint64_t TaskOf(uint64_t word) { return word >> kStandBits; }
Stand StandOf(uint64_t word) { return static_cast<Stand>(word & kStandMask); }

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

}  // namespace

// Protocol: every change of a place's word is a read-modify-write that acquires and releases, also
// a wake that changes nothing. So whatever was written before a Wake is seen by the poll that
// follows, and a poll sees what the one before it wrote, on whichever thread.
class AsioExecutor::Parts : public std::enable_shared_from_this<Parts> {
 public:
  explicit Parts(const AsioOptions& options);

  void StartThread();
  ExecutorError Spawn(TaskBody& body);
  ExecutorError BlockOn(TaskBody& body);
  PollResult PollOnce();
  ExecutorError Shutdown();

  bool is_running() const { return is_running_.load(std::memory_order_acquire); }
  uint32_t task_count() const { return held_.load(std::memory_order_relaxed); }

 private:
  struct Place {
    Place(Parts& parts_in, io_context& context) : parts(parts_in), timer(context) {}

    Parts& parts;
    std::atomic<uint64_t> word{WordOf(1, Stand::kFree)};
    TaskBody* body = nullptr;
    boost::asio::steady_timer timer;
    std::optional<int64_t> due_ns;  // The timer is armed.
  };

  static void WakePlace(void* place, uint64_t task);
  void Post(Place& place, uint64_t task);
  void RunPosted(Place& place, uint64_t task);
  void Poll(Place& place, uint64_t task, bool is_last);
  void Await(Place& place, uint64_t task, int64_t poll_at_ns);
  void Repost(Place& place, uint64_t task);
  void Arm(Place& place, uint64_t task, int64_t due_ns);
  void Disarm(Place& place);
  void End(Place& place, uint64_t task, ExecutorError end);
  Place* TakePlace();
  void StopTask(Place& place);
  void Hear(BlockedBody& blocked);
  bool IsOwnThread() const { return context_.get_executor().running_in_this_thread(); }
  int64_t NextNs() const;

  const AsioRuns runs_;
  const uint32_t tasks_max_;
  bool has_thread_ = true;  // False: none was granted for kOwnThread.
  std::optional<io_context> own_context_;
  io_context& context_;
  std::optional<boost::asio::executor_work_guard<io_context::executor_type>> guard_;
  std::atomic<bool> is_running_{true};
  std::atomic<uint32_t> held_{0};
  std::atomic<uint32_t> posted_{0};  // Handlers in the queue that poll, void ones included.
  std::atomic<uint32_t> ending_{0};  // Tasks whose place is free and whose `ended` is being called.
  uint32_t polls_ = 0;               // With kPolled: of this PollOnce.
  std::multiset<int64_t> dues_;      // With kPolled: of the timers that are armed.
  std::mutex mutex_;
  // From here on guarded by the mutex.
  std::condition_variable heard_;
  std::deque<Place> places_;  // Only grows: a waker may name a place for ever.
  std::vector<Place*> free_;
  std::optional<sys::Thread> thread_;
};

AsioExecutor::Parts::Parts(const AsioOptions& options)
    : runs_(options.runs),
      tasks_max_(std::clamp<uint32_t>(options.tasks_max, 1, AsioOptions::kTasksMax)),
      own_context_(),
      context_(options.runs == AsioRuns::kLent ? *options.context : own_context_.emplace(1)) {
  if (own_context_) guard_.emplace(context_.get_executor());
}

// Where none is granted, each Spawn is refused as beyond what there is.
void AsioExecutor::Parts::StartThread() {
  sys::ThreadOptions options;
  options.name = "weft-asio";
  has_thread_ = sys::StartThread(&thread_, options, [this] { context_.run(); }).ok();
}

ExecutorError AsioExecutor::Parts::Spawn(TaskBody& body) {
  const std::lock_guard lock(mutex_);
  if (!is_running()) return ExecutorError::kNotRunning;
  Place* const place = TakePlace();
  if (place == nullptr) return ExecutorError::kOutOfResources;
  held_.fetch_add(1, std::memory_order_relaxed);
  place->body = &body;
  const uint64_t task = TaskOf(place->word.load(std::memory_order_relaxed));
  place->word.exchange(WordOf(task, Stand::kPosted), std::memory_order_acq_rel);
  Post(*place, task);
  return ExecutorError::kNone;
}

// Under the mutex.
AsioExecutor::Parts::Place* AsioExecutor::Parts::TakePlace() {
  if (!has_thread_) return nullptr;
  if (!free_.empty()) {
    Place* const place = free_.back();
    free_.pop_back();
    return place;
  }
  if (places_.size() == tasks_max_) return nullptr;
  free_.reserve(places_.size() + 1);
  return &places_.emplace_back(*this, context_);
}

ExecutorError AsioExecutor::Parts::BlockOn(TaskBody& body) {
  if (IsOwnThread()) return ExecutorError::kNotSupported;
  BlockedBody blocked(
      body, [](void* self, BlockedBody& ended) { static_cast<Parts*>(self)->Hear(ended); }, this);
  if (const ExecutorError error = Spawn(blocked); error != ExecutorError::kNone) return error;
  if (runs_ == AsioRuns::kPolled) {
    // The guard keeps it from coming back for want of work.
    while (!blocked.has_ended()) context_.run_one();
  } else {
    std::unique_lock lock(mutex_);
    heard_.wait(lock, [&] { return blocked.has_ended(); });
  }
  return blocked.end();
}

// With the lock released, `blocked` may be gone.
void AsioExecutor::Parts::Hear(BlockedBody& blocked) {
  const std::lock_guard lock(mutex_);
  blocked.MarkEnded();
  heard_.notify_all();
}

// What is posted while it runs stands behind the mark, and so waits for the next.
PollResult AsioExecutor::Parts::PollOnce() {
  if (runs_ != AsioRuns::kPolled || IsOwnThread()) return {.error = ExecutorError::kNotSupported};
  if (!is_running()) return {.error = ExecutorError::kNotRunning};
  polls_ = 0;
  bool has_passed = false;
  boost::asio::post(context_, [&has_passed] { has_passed = true; });
  while (!has_passed) context_.poll_one();
  return {.polled = polls_, .next_ns = NextNs()};
}

int64_t AsioExecutor::Parts::NextNs() const {
  if (posted_.load(std::memory_order_relaxed) > 0) return kPollNow;
  if (dues_.empty()) return kPollOnWake;
  return *dues_.begin() <= NowNs() ? kPollNow : *dues_.begin();
}

// Whatever is polled at this moment is waited for; all else is polled here, for the last time.
ExecutorError AsioExecutor::Parts::Shutdown() {
  if (IsOwnThread()) return ExecutorError::kNotSupported;
  size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!is_running_.exchange(false)) return ExecutorError::kNotRunning;
    count = places_.size();
  }
  for (size_t i = 0; i < count; ++i) StopTask(places_[i]);
  for (uint32_t ending = ending_.load(); ending != 0; ending = ending_.load()) {
    ending_.wait(ending);
  }
  guard_.reset();
  thread_.reset();
  // What is left in a queue of one's own is void by now, but holds this.
  if (runs_ == AsioRuns::kPolled) context_.poll();
  return ExecutorError::kNone;
}

void AsioExecutor::Parts::StopTask(Place& place) {
  uint64_t word = place.word.load(std::memory_order_acquire);
  while (StandOf(word) != Stand::kFree) {
    if (StandOf(word) == Stand::kPolled || StandOf(word) == Stand::kPolledWoken) {
      place.word.wait(word, std::memory_order_acquire);
      word = place.word.load(std::memory_order_acquire);
    } else if (place.word.compare_exchange_weak(word, WordOf(TaskOf(word), Stand::kPolled),
                                                std::memory_order_acq_rel)) {
      return Poll(place, TaskOf(word), /*is_last=*/true);
    }
  }
}

// Any thread.
void AsioExecutor::Parts::WakePlace(void* place_argument, uint64_t task) {
  auto& place = *static_cast<Place*>(place_argument);
  uint64_t word = place.word.load(std::memory_order_relaxed);
  while (TaskOf(word) == task) {
    Stand next = StandOf(word);
    if (next == Stand::kIdle) next = Stand::kPosted;
    if (next == Stand::kPolled) next = Stand::kPolledWoken;
    if (place.word.compare_exchange_weak(word, WordOf(task, next), std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
      if (StandOf(word) == Stand::kIdle) place.parts.Post(place, task);
      return;
    }
  }
}

void AsioExecutor::Parts::Post(Place& place, uint64_t task) {
  posted_.fetch_add(1, std::memory_order_relaxed);
  boost::asio::post(context_,
                    [self = shared_from_this(), &place, task] { self->RunPosted(place, task); });
}

void AsioExecutor::Parts::RunPosted(Place& place, uint64_t task) {
  posted_.fetch_sub(1, std::memory_order_relaxed);
  uint64_t word = WordOf(task, Stand::kPosted);
  // Else a shutdown was here first.
  if (place.word.compare_exchange_strong(word, WordOf(task, Stand::kPolled),
                                         std::memory_order_acq_rel)) {
    Poll(place, task, /*is_last=*/false);
  }
}

// The place is kPolled, by this thread.
void AsioExecutor::Parts::Poll(Place& place, uint64_t task, bool is_last) {
  Disarm(place);
  if (runs_ == AsioRuns::kPolled) ++polls_;
  const BodyContext context = {
      .now_ns = NowNs(), .should_stop = is_last, .waker = {&WakePlace, &place, task}};
  const BodyStep step = PollGuarded(*place.body, context);
  if (step.kind == BodyStep::Kind::kDone) return End(place, task, ExecutorError::kNone);
  if (step.kind == BodyStep::Kind::kPanicked) {
    return End(place, task, ExecutorError::kTaskPanicked);
  }
  if (is_last) return End(place, task, ExecutorError::kNotRunning);
  if (step.poll_at_ns <= context.now_ns) return Repost(place, task);
  Await(place, task, step.poll_at_ns);
}

void AsioExecutor::Parts::Await(Place& place, uint64_t task, int64_t poll_at_ns) {
  if (poll_at_ns != kPollOnWake) Arm(place, task, poll_at_ns);
  uint64_t word = WordOf(task, Stand::kPolled);
  if (place.word.compare_exchange_strong(word, WordOf(task, Stand::kIdle),
                                         std::memory_order_acq_rel)) {
    place.word.notify_all();
  } else {
    Repost(place, task);  // It was woken meanwhile.
  }
}

void AsioExecutor::Parts::Repost(Place& place, uint64_t task) {
  place.word.exchange(WordOf(task, Stand::kPosted), std::memory_order_acq_rel);
  place.word.notify_all();
  Post(place, task);
}

void AsioExecutor::Parts::Arm(Place& place, uint64_t task, int64_t due_ns) {
  place.due_ns = due_ns;
  if (runs_ == AsioRuns::kPolled) dues_.insert(due_ns);
  place.timer.expires_at(Clock::time_point(std::chrono::nanoseconds(due_ns)));
  place.timer.async_wait(
      [self = shared_from_this(), &place, task](const boost::system::error_code& error) {
        if (!error) WakePlace(&place, task);
      });
}

void AsioExecutor::Parts::Disarm(Place& place) {
  if (!place.due_ns.has_value()) return;
  if (runs_ == AsioRuns::kPolled) dues_.erase(dues_.find(*place.due_ns));
  place.due_ns.reset();
  place.timer.cancel();
}

// The place is free before anybody hears of the end, so that whoever does finds room.
void AsioExecutor::Parts::End(Place& place, uint64_t task, ExecutorError end) {
  TaskBody& body = *place.body;
  ending_.fetch_add(1);
  {
    const std::lock_guard lock(mutex_);
    place.body = nullptr;
    place.word.exchange(WordOf(task + 1, Stand::kFree), std::memory_order_acq_rel);
    free_.push_back(&place);
    held_.fetch_sub(1, std::memory_order_relaxed);
  }
  place.word.notify_all();
  if (body.ended != nullptr) body.ended(body, end);
  if (ending_.fetch_sub(1) == 1) ending_.notify_all();
}

AsioExecutor::AsioExecutor(const AsioOptions& options) : parts_(std::make_shared<Parts>(options)) {
  if (options.runs == AsioRuns::kOwnThread) parts_->StartThread();
}

AsioExecutor::~AsioExecutor() { parts_->Shutdown(); }

ExecutorError AsioExecutor::Spawn(TaskBody& body) { return parts_->Spawn(body); }
ExecutorError AsioExecutor::BlockOn(TaskBody& body) { return parts_->BlockOn(body); }
PollResult AsioExecutor::PollOnce() { return parts_->PollOnce(); }
bool AsioExecutor::IsRunning() const { return parts_->is_running(); }
ExecutorError AsioExecutor::Shutdown() { return parts_->Shutdown(); }
uint32_t AsioExecutor::task_count() const { return parts_->task_count(); }

}  // namespace weft
