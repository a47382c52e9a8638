// The Door and cores on threads of their own, in real time: tasks go round as fast as they can, and
// none may be lost, whatever the threads' order. Run it under ThreadSanitizer.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include <gtest/gtest.h>

#include "dispatch/door.h"
#include "dispatch/lent_door.h"

namespace weft {
namespace {

constexpr uint64_t kTasks = 20'000;
constexpr size_t kOutstanding = 32;

class OneHandler final : public EntryLookup {
 public:
  OneHandler() {
    entry_.run = [](void*, TaskContext& context) {
      context.output() = "done";
      return TaskOutcome::kSucceeded;
    };
    entry_.never_suspends = true;
  }
  const TaskEntry* Find(std::string_view) const override { return &entry_; }
  std::string_view Nearest(std::string_view) const override { return {}; }

 private:
  TaskEntry entry_;
};

class Block final : public PayloadBlock {
 private:
  void OnReleased() override {}
};

// A source whose events are the results themselves: each asks for the next task.
class RoundSource final : public DoorSource {
 public:
  class Client final : public ResultReceiver {
   public:
    RoundSource* source = nullptr;
    uint64_t results = 0;

   private:
    void OnResult(const TaskResult& result, bool ended) override {
      EXPECT_TRUE(ended);
      EXPECT_EQ(result.output, "done");
      EXPECT_GE(result.queue_latency_ns, 0);
      ++results;
      source->ready_.push_back(this);
    }
  };

  RoundSource() : clients_(kOutstanding) {
    for (Client& client : clients_) {
      client.source = this;
      ready_.push_back(&client);
    }
  }
  void Begin(Dispatcher<sys::ProdEnv>& dispatcher, Door& door) {
    dispatcher_ = &dispatcher;
    door_ = &door;
  }

  size_t Poll(size_t max_events) override {
    size_t handled = 0;
    while (handled < max_events && !ready_.empty() && submitted_ < kTasks) {
      Client* const client = ready_.front();
      ready_.pop_front();
      Accepted accepted;
      EXPECT_FALSE(dispatcher_->Submit({.handler = "any", .payload = "p"}, "spec", block_,
                                       {.receiver = client}, &accepted));
      ++submitted_;
      ++handled;
    }
    if (submitted_ == kTasks) door_->RequestDrain();
    return handled;
  }
  // Only a ring ends the wait: a lost wake-up hangs the test instead of hiding in a timeout. What
  // follows the last result is only the Door's lingering.
  size_t Wait(int64_t timeout_ns) override {
    std::unique_lock lock(mutex_);
    const auto is_rung = [this] { return rung_; };
    if (Results() == kTasks) {
      rung_condition_.wait_for(lock, std::chrono::nanoseconds(timeout_ns), is_rung);
    } else {
      rung_condition_.wait(lock, is_rung);
    }
    rung_ = false;
    return 0;
  }
  void Ring() override {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    rung_condition_.notify_one();
  }

  uint64_t Results() const {
    uint64_t sum = 0;
    for (const Client& client : clients_) sum += client.results;
    return sum;
  }
  uint32_t holders() const { return block_.holders(); }

 private:
  std::deque<Client> clients_;
  std::deque<Client*> ready_;
  Block block_;
  Dispatcher<sys::ProdEnv>* dispatcher_ = nullptr;
  Door* door_ = nullptr;
  uint64_t submitted_ = 0;
  std::mutex mutex_;
  std::condition_variable rung_condition_;
  bool rung_ = false;
};

enum class DoorThread { kOwn, kCore };

void RunRound(IdlePolicy idle, uint32_t core_count, DoorThread thread = DoorThread::kOwn) {
  sys::Clock clock;
  sys::ProdEnv env(clock.anchor());
  RoundSource source;
  Doorbell doorbell;
  doorbell.ring = [](void* argument) { static_cast<RoundSource*>(argument)->Ring(); };
  doorbell.argument = &source;
  LentDoor<sys::ProdEnv> lent(env);
  std::deque<Core<sys::ProdEnv>> cores;
  std::vector<Core<sys::ProdEnv>*> pointers;
  for (uint32_t index = 0; index < core_count; ++index) {
    CoreOptions options;
    options.index = index;
    options.idle = idle;
    options.max_queue_depth = 64;
    options.stacks = 2;
    options.outbox_capacity = 64;
    options.inbox_capacity = 16;
    options.handler_count = 1;
    pointers.push_back(&cores.emplace_back(options, env, doorbell));
    if (thread == DoorThread::kCore) {
      lent.set_core(cores.back());
      cores.back().set_guest(lent);
    }
    ASSERT_TRUE(cores.back().Start().ok());
  }
  OneHandler lookup;
  DispatchOptions options;
  options.max_queue_depth = 64;
  Dispatcher<sys::ProdEnv> dispatcher(options, pointers, lookup, env);
  Door door(source, dispatcher, doorbell, env, idle, 50);
  door.set_clock(clock);
  if (thread == DoorThread::kCore) door.set_lent(lent);
  source.Begin(dispatcher, door);
  door.Run();
  for (auto& core : cores) core.Stop();
  EXPECT_EQ(source.Results(), kTasks);
  EXPECT_EQ(source.holders(), 0u);
  const StatsSnapshot stats = dispatcher.Snapshot();
  EXPECT_EQ(stats.accepted, kTasks);
  EXPECT_EQ(stats.succeeded, kTasks);
  EXPECT_EQ(stats.in_flight, 0u);
  EXPECT_EQ(stats.promise_violations, 0u);
}

TEST(DoorInTheCoresThread, LosesNothingWhenItSleeps) {
  RunRound(IdlePolicy::kSleep, 1, DoorThread::kCore);
}
TEST(DoorInTheCoresThread, LosesNothingWhenItSpinsForABudget) {
  RunRound(IdlePolicy::kAdaptive, 1, DoorThread::kCore);
}
TEST(DoorAndCores, LoseNothingWhenBothSleep) { RunRound(IdlePolicy::kSleep, 1); }
TEST(DoorAndCores, LoseNothingWhenBothSpinForABudget) { RunRound(IdlePolicy::kAdaptive, 2); }

}  // namespace
}  // namespace weft
