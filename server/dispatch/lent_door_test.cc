// The Door in the thread of the only core: what each may do there, when it goes home, and that a
// handler that holds the core holds up nobody else.
#include "dispatch/lent_door.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

// A completion queue without events, that tells which thread asks it.
class QuietSource final : public DoorSource {
 public:
  size_t Poll(size_t /*max_events*/) override {
    const size_t brought = bring ? bring() : 0;
    has_enough_ = brought > 0;
    const std::lock_guard lock(mutex_);
    poller_ = std::this_thread::get_id();
    changed_.notify_all();
    return brought;
  }
  bool has_enough() const override { return has_enough_; }
  size_t Wait(int64_t timeout_ns) override {
    std::unique_lock lock(mutex_);
    waiter_ = std::this_thread::get_id();
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::nanoseconds(timeout_ns), [this] { return rung_; });
    rung_ = false;
    return 0;
  }
  void Ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }
  // What was before counts no more.
  void Forget() {
    const std::lock_guard lock(mutex_);
    poller_ = waiter_ = std::thread::id();
  }
  void AwaitPollBy(std::thread::id thread) { Await(poller_, thread); }

  std::function<size_t()> bring;  // What a Poll brings is enough. The Door's, whoever has it.

  void AwaitWaitBy(std::thread::id thread) { Await(waiter_, thread); }

 private:
  void Await(const std::thread::id& who, std::thread::id thread) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return who == thread; });
  }

  bool has_enough_ = false;  // Likewise.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread::id poller_;
  std::thread::id waiter_;
  bool rung_ = false;
};

// Holds its core until it is let go.
class HoldingHandler final : public EntryLookup {
 public:
  HoldingHandler() {
    entry_.run = [](void*, TaskContext&) {
      HoldingHandler& self = *holds_;
      std::unique_lock lock(self.mutex_);
      self.thread_ = std::this_thread::get_id();
      self.changed_.notify_all();
      self.changed_.wait(lock, [&self] { return self.may_end_; });
      return TaskOutcome::kSucceeded;
    };
    entry_.never_suspends = true;
    holds_ = this;
  }
  const TaskEntry* Find(std::string_view) const override { return &entry_; }
  std::string_view Nearest(std::string_view) const override { return {}; }
  std::thread::id AwaitRun() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return thread_ != std::thread::id(); });
    return thread_;
  }
  void LetGo() {
    const std::lock_guard lock(mutex_);
    may_end_ = true;
    changed_.notify_all();
  }

 private:
  static inline HoldingHandler* holds_ = nullptr;
  TaskEntry entry_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread::id thread_;
  bool may_end_ = false;
};

// A Door on a thread of its own and one core that may have it.
class LentDoorTest : public testing::Test {
 protected:
  class Receiver final : public ResultReceiver {
   public:
    void OnResult(const TaskResult& result, bool /*ended*/) override {
      state = result.state;
      heard_on = std::this_thread::get_id();
    }
    TaskState state = TaskState::kQueued;
    std::thread::id heard_on;
  };
  // Run by the Door, whoever's thread that is.
  class Errand final : public DoorErrand {
   public:
    explicit Errand(std::function<void()> run) : run_(std::move(run)) {}
    void Run() override { run_(); }

   private:
    std::function<void()> run_;
  };

  LentDoorTest() {
    doorbell_.ring = [](void* argument) { static_cast<QuietSource*>(argument)->Ring(); };
    doorbell_.argument = &source_;
    core_.set_guest(lent_);
    lent_.set_core(core_);
    lent_.set_stall_threshold_ms(1);
    EXPECT_TRUE(core_.Start().ok());
    dispatcher_.emplace(DispatchOptions{}, std::span(cores_), handler_, env_);
    door_.emplace(source_, *dispatcher_, doorbell_, env_, IdlePolicy::kSleep, 0);
    door_->set_lent(lent_);
    home_ = std::thread([this] { door_->Run(); });
  }
  ~LentDoorTest() override {
    handler_.LetGo();
    door_->RequestDrain();
    doorbell_.RingIfParked();
    home_.join();
    core_.Stop();
  }
  // Where the Door ran it.
  std::thread::id Do(const std::function<void()>& what) {
    std::mutex mutex;
    std::condition_variable done;
    std::thread::id thread;
    Errand errand([&] {
      what();
      const std::lock_guard lock(mutex);
      thread = std::this_thread::get_id();
      done.notify_all();
    });
    EXPECT_TRUE(door_->Post(errand));
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return thread != std::thread::id(); });
    return thread;
  }
  void Submit(ResultReceiver& receiver) {
    Accepted accepted;
    EXPECT_FALSE(dispatcher_->Submit({.handler = "any"}, "spec", block_, {.receiver = &receiver},
                                     &accepted));
  }

  class Block final : public PayloadBlock {
   private:
    void OnReleased() override {}
  };

  sys::Clock clock_;
  sys::ProdEnv env_{clock_.anchor()};
  QuietSource source_;
  Doorbell doorbell_;
  HoldingHandler handler_;
  Block block_;
  LentDoor<sys::ProdEnv> lent_{env_};
  Core<sys::ProdEnv> core_{CoreOptions{.max_queue_depth = 16, .stacks = 2, .handler_count = 1},
                           env_, doorbell_};
  Core<sys::ProdEnv>* cores_[1] = {&core_};
  std::optional<Dispatcher<sys::ProdEnv>> dispatcher_;
  std::optional<Door> door_;
  std::thread home_;
};

TEST_F(LentDoorTest, SleepsInTheCoresThreadAndWakesForAnErrand) {
  // Whoever holds the core is its thread.
  Receiver receiver;
  Do([&] { Submit(receiver); });
  const std::thread::id core_thread = handler_.AwaitRun();
  ASSERT_NE(core_thread, home_.get_id());
  source_.Forget();
  handler_.LetGo();
  source_.AwaitWaitBy(core_thread);
  // Unless it was taken home meanwhile, for that thread had no CPU.
  while (Do([] {}) != core_thread) {
  }
  EXPECT_EQ(receiver.state, TaskState::kSucceeded);
}

TEST_F(LentDoorTest, HasTheCoreRunWhatIsEnoughBeforeItAsksForMore) {
  handler_.LetGo();
  std::deque<Receiver> receivers;
  std::thread::id submitted_on;
  int in_a_row = 0;
  int late = 0;
  std::atomic<bool> is_over = false;
  Do([&] {
    source_.bring = [&]() -> size_t {
      const std::thread::id here = std::this_thread::get_id();
      // If the Door was home meanwhile, that thread asked for more, too.
      if (submitted_on == here && here != home_.get_id()) {
        ++in_a_row;
        if (receivers.back().state != TaskState::kSucceeded) ++late;
      }
      if (in_a_row == 100) {
        is_over.store(true);
        return 0;
      }
      Submit(receivers.emplace_back());
      submitted_on = here;
      return 1;
    };
  });
  while (!is_over.load()) std::this_thread::yield();
  Do([&] { source_.bring = nullptr; });
  EXPECT_EQ(late, 0);
  bool all_ended = false;
  while (!all_ended) {
    Do([&] {
      all_ended = std::all_of(receivers.begin(), receivers.end(), [](const Receiver& receiver) {
        return receiver.state == TaskState::kSucceeded;
      });
    });
  }
}

TEST_F(LentDoorTest, GoesHomeWhileAHandlerHoldsTheCoreAndComesBack) {
  Receiver receiver;
  Do([&] { Submit(receiver); });
  const std::thread::id core_thread = handler_.AwaitRun();
  source_.AwaitPollBy(home_.get_id());
  // The core is held, and the Door serves all the same.
  EXPECT_EQ(Do([] {}), home_.get_id());
  EXPECT_EQ(receiver.state, TaskState::kQueued);
  source_.Forget();
  handler_.LetGo();
  source_.AwaitWaitBy(core_thread);
  EXPECT_EQ(receiver.state, TaskState::kSucceeded);
}

TEST_F(LentDoorTest, GoesHomeForTheDrain) {
  Receiver receiver;
  Do([&] { Submit(receiver); });
  const std::thread::id core_thread = handler_.AwaitRun();
  source_.Forget();
  handler_.LetGo();
  source_.AwaitWaitBy(core_thread);
  door_->RequestDrain();
  doorbell_.RingIfParked();
  source_.AwaitWaitBy(home_.get_id());
  EXPECT_TRUE(door_->draining());
}

}  // namespace
}  // namespace weft
