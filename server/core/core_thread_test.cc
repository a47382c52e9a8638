// Proves that a core on a real thread loses no task, no answer and no wake-up. The test's thread is
// the Door; nothing here depends on how long anything takes. Random tests print their seed.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/core.h"
#include "sys/prod_env.h"
#include "sys/stack_trace.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEFT_TEST_SANITIZED 1
#endif

namespace weft {
namespace {

#ifdef WEFT_TEST_SANITIZED
constexpr uint64_t kLoadTasks = 40'000;
constexpr uint64_t kWakes = 4'000;
#else
constexpr uint64_t kLoadTasks = 200'000;
constexpr uint64_t kWakes = 20'000;
#endif

uint64_t Seed() {
  const char* const given = std::getenv("WEFT_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

TaskOutcome Succeed(void*, TaskContext&) { return TaskOutcome::kSucceeded; }
TaskOutcome Echo(void*, TaskContext& context) {
  context.output() = context.payload();
  return TaskOutcome::kSucceeded;
}
TaskOutcome Nap(void*, TaskContext& context) {
  for (int i = 0; i < 3; ++i) {
    if (context.SleepFor(20'000) != WakeReason::kElapsed) return context.Stop();
  }
  return TaskOutcome::kSucceeded;
}
TaskOutcome TakeTurns(void*, TaskContext& context) {
  for (int i = 0; i < 3; ++i) {
    if (context.Yield() != WakeReason::kElapsed) return context.Stop();
  }
  return TaskOutcome::kSucceeded;
}
TaskOutcome Throw(void*, TaskContext& context) {
  try {
    throw std::runtime_error("broken");
  } catch (const std::exception&) {
    context.Yield();
    throw;
  }
}
// Runs until it is told to stop.
TaskOutcome Hold(void* state, TaskContext& context) {
  static_cast<std::atomic<bool>*>(state)->store(true, std::memory_order_release);
  while (!context.ShouldStop()) {
  }
  return context.Stop();
}

// The same, by a function with a name of its own. A mutex in its loop, since ThreadSanitizer hands
// signals on only at calls that it knows.
[[gnu::noinline]] void StandStill(TaskContext& context, std::atomic<bool>& stands) {
  std::mutex mutex;
  while (!context.ShouldStop()) {
    const std::lock_guard lock(mutex);
    stands.store(true, std::memory_order_release);
  }
}
TaskOutcome Stand(void* state, TaskContext& context) {
  StandStill(context, *static_cast<std::atomic<bool>*>(state));
  return context.Stop();
}

TaskEntry EntryOf(TaskOutcome (*run)(void*, TaskContext&), bool never_suspends,
                  void* state = nullptr) {
  TaskEntry entry;
  entry.run = run;
  entry.state = state;
  entry.never_suspends = never_suspends;
  return entry;
}

class CoreThreadTest : public testing::Test {
 protected:
  using RealCore = Core<sys::ProdEnv>;

  void Start(IdlePolicy idle, uint32_t spin_us = 50) {
    CoreOptions options;
    options.idle = idle;
    options.spin_us = spin_us;
    options.max_queue_depth = 200;
    options.stacks = 8;
    options.stack_bytes = stack_bytes_;
    options.inbox_capacity = 64;
    options.outbox_capacity = 64;
    options.handler_count = 1;
    core_ = std::make_unique<RealCore>(options, sys::ProdEnv(clock_.anchor()), doorbell_);
    ASSERT_TRUE(core_->Start().ok());
    for (uint32_t slot = options.door_slots(); slot-- > 0;) free_.push_back(slot);
    ids_.resize(free_.size());
  }

  Message Make(const TaskEntry& entry) {
    Message message;
    message.slot = free_.back();
    free_.pop_back();
    message.id = TaskId::Make(0, ++serial_);
    ids_[message.slot] = message.id;
    message.entry = &entry;
    message.submitted = sys::ReadTicks();
    return message;
  }

  void PostAll(const std::vector<Message>& messages) {
    for (size_t sent = 0; sent < messages.size();) {
      sent += core_->Post(std::span<const Message>(messages).subspan(sent));
      if (sent < messages.size()) Drain();
    }
  }

  Message Cancel(uint32_t slot) {
    core_->SetCancel(slot, ids_[slot], CancelReason::kClient);
    Message message;
    message.kind = MessageKind::kCancel;
    message.slot = slot;
    message.id = ids_[slot];
    return message;
  }

  size_t Drain() {
    std::array<Completion, 32> out;
    const size_t count = core_->Drain(out);
    if (count == 0) std::this_thread::yield();
    for (size_t i = 0; i < count; ++i) {
      if (out[i].kind == CompletionKind::kCancelTaken) {
        ++cancels_answered_;
        continue;
      }
      EXPECT_EQ(ids_[out[i].slot], out[i].id) << "ended twice, or another's end";
      EXPECT_TRUE(!out[i].was_started() || out[i].started <= out[i].completed);
      ids_[out[i].slot] = TaskId();
      free_.push_back(out[i].slot);
      ++ended_;
      ++ended_by_state_[static_cast<size_t>(out[i].state)];
    }
    return count;
  }

  void ExpectConserved(uint64_t tasks) {
    core_->Stop();
    const CoreStats& stats = core_->stats();
    EXPECT_EQ(stats.submitted.value(), tasks);
    uint64_t begun = 0;
    for (size_t i = 0; i < kPriorityCount; ++i) {
      begun += stats.started[i].value() + stats.unstarted[i].value();
    }
    EXPECT_EQ(begun, tasks);
    for (size_t i = 0; i < kTaskStateCount; ++i) {
      EXPECT_EQ(stats.ended[i].value(), ended_by_state_[i]) << "state " << i;
    }
    EXPECT_EQ(stats.live.value(), 0);
    EXPECT_EQ(stats.stacks_in_use.value(), 0);
    EXPECT_EQ(stats.violations.value(), 0U);
    EXPECT_EQ(stats.misuse.value(), 0U);
  }

  sys::Clock clock_;
  Doorbell doorbell_;
  size_t stack_bytes_ = 64 * 1024;
  std::unique_ptr<RealCore> core_;
  std::vector<uint32_t> free_;
  std::vector<TaskId> ids_;  // By slot; empty: nothing of ours is there.
  uint64_t serial_ = 0;
  uint64_t ended_ = 0;
  uint64_t cancels_answered_ = 0;
  std::array<uint64_t, kTaskStateCount> ended_by_state_{};
};

class CoreLoadTest : public CoreThreadTest, public testing::WithParamInterface<IdlePolicy> {};

TEST_P(CoreLoadTest, EveryTaskEndsOnceUnderMixedLoadAndCancels) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(testing::Message() << "WEFT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  ASSERT_NO_FATAL_FAILURE(Start(GetParam(), 2));
  const TaskEntry entries[] = {EntryOf(&Succeed, true),    EntryOf(&Succeed, false),
                               EntryOf(&Echo, true),       EntryOf(&Echo, false),
                               EntryOf(&TakeTurns, false), EntryOf(&Throw, false),
                               EntryOf(&Nap, false)};
  const std::string payload(100, 'x');
  // A spinning core takes a whole CPU from whatever else runs here.
  const uint64_t tasks = GetParam() == IdlePolicy::kSpin ? kLoadTasks / 5 : kLoadTasks;
  uint64_t posted = 0;
  uint64_t cancels = 0;
  std::vector<Message> batch;
  while (posted < tasks) {
    batch.clear();
    const uint64_t wanted = 1 + random() % 48;
    while (batch.size() < wanted && !free_.empty() && posted < tasks) {
      // Naps are rare: they take real time.
      const uint64_t kind = random() % 100;
      Message message = Make(entries[kind < 2 ? 6 : kind % 6]);
      message.priority = static_cast<Priority>(random() % kPriorityCount);
      message.payload = payload.data();
      message.payload_bytes = static_cast<uint32_t>(random() % payload.size());
      if (random() % 8 == 0) {
        message.deadline = message.submitted + static_cast<sys::Ticks>(random() % 300'000);
      }
      batch.push_back(message);
      ++posted;
    }
    PostAll(batch);
    batch.clear();
    for (uint64_t i = random() % 4; i > 0; --i) {
      const auto slot = static_cast<uint32_t>(random() % ids_.size());
      if (ids_[slot] == TaskId()) continue;
      batch.push_back(Cancel(slot));
      ++cancels;
    }
    PostAll(batch);
    // Sometimes the Door is late, so that the outbox fills.
    if (random() % 3 != 0) Drain();
  }
  while (ended_ < posted || cancels_answered_ < cancels) Drain();
  EXPECT_EQ(ended_, posted);
  EXPECT_EQ(cancels_answered_, cancels);
  ExpectConserved(posted);
}

TEST_P(CoreLoadTest, OneTaskAtATimeIsNeverForgotten) {
  ASSERT_NO_FATAL_FAILURE(Start(GetParam(), 2));
  const TaskEntry entry = EntryOf(&Succeed, false);
  // Only a core that sleeps each time puts the wake-up to the test.
  const uint64_t wakes = GetParam() == IdlePolicy::kSleep ? kWakes : kWakes / 10;
  for (uint64_t i = 1; i <= wakes; ++i) {
    PostAll({Make(entry)});
    while (ended_ < i) Drain();
  }
  ExpectConserved(wakes);
}

TEST_P(CoreLoadTest, ATimerWakesACoreThatNobodyPostsTo) {
  ASSERT_NO_FATAL_FAILURE(Start(GetParam(), 2));
  const TaskEntry entry = EntryOf(&Nap, false);
  for (uint64_t i = 1; i <= 50; ++i) {
    PostAll({Make(entry)});
    while (ended_ < i) Drain();
  }
  EXPECT_EQ(ended_by_state_[static_cast<size_t>(TaskState::kSucceeded)], 50U);
  ExpectConserved(50);
}

TEST_P(CoreLoadTest, StopsWhileIdle) {
  for (int i = 0; i < 50; ++i) {
    free_.clear();
    ASSERT_NO_FATAL_FAILURE(Start(GetParam(), i % 2 == 0 ? 0 : 5));
    core_->Stop();
    core_->Stop();
    EXPECT_EQ(core_->stats().submitted.value(), 0U);
  }
}

TEST_P(CoreLoadTest, StopsWhenItsThreadHasJustGoneToSleepOrToSpin) {
  const TaskEntry entry = EntryOf(&Succeed, true);
  for (int i = 0; i < 50; ++i) {
    free_.clear();
    ended_ = 0;
    ASSERT_NO_FATAL_FAILURE(Start(GetParam(), 5));
    PostAll({Make(entry)});
    while (ended_ < 1) Drain();
    core_->Stop();
  }
}

TEST_P(CoreLoadTest, StopLeavesWhatIsSuspendedWhereItIs) {
  ASSERT_NO_FATAL_FAILURE(Start(GetParam(), 5));
  const TaskEntry entry = EntryOf(
      [](void*, TaskContext& context) {
        context.SleepFor(3'600'000'000'000);
        return context.Stop();
      },
      false);
  const Message message = Make(entry);
  PostAll({message});
  while (core_->SlotState(message.slot) != TaskState::kSuspended) std::this_thread::yield();
  core_->Stop();
  EXPECT_EQ(core_->SlotState(message.slot), TaskState::kSuspended);
  EXPECT_EQ(Drain(), 0U);
}

TEST_P(CoreLoadTest, ACancelReachesAHandlerThatRuns) {
  ASSERT_NO_FATAL_FAILURE(Start(GetParam(), 5));
  for (uint64_t i = 1; i <= 100; ++i) {
    std::atomic<bool> began{false};
    const TaskEntry entry = EntryOf(&Hold, i % 2 == 0, &began);
    const Message message = Make(entry);
    PostAll({message});
    while (!began.load(std::memory_order_acquire)) std::this_thread::yield();
    EXPECT_EQ(core_->running().entry, &entry);
    EXPECT_NE(core_->SlotStarted(message.slot), 0);
    PostAll({Cancel(message.slot)});
    while (ended_ < i || cancels_answered_ < i) Drain();
  }
  EXPECT_EQ(ended_by_state_[static_cast<size_t>(TaskState::kCancelled)], 100U);
  ExpectConserved(100);
}

INSTANTIATE_TEST_SUITE_P(Idle, CoreLoadTest,
                         testing::Values(IdlePolicy::kSpin, IdlePolicy::kAdaptive,
                                         IdlePolicy::kSleep),
                         [](const auto& test) -> std::string {
                           switch (test.param) {
                             case IdlePolicy::kSpin:
                               return "Spin";
                             case IdlePolicy::kAdaptive:
                               return "Adaptive";
                             case IdlePolicy::kSleep:
                               break;
                           }
                           return "Sleep";
                         });

TEST_F(CoreThreadTest, SleepsWhileTheDoorLeavesItsOutboxFull) {
  ASSERT_NO_FATAL_FAILURE(Start(IdlePolicy::kSleep));
  const TaskEntry entry = EntryOf(&Succeed, true);
  const auto post = [&](size_t count) {
    std::vector<Message> batch;
    while (batch.size() < count) batch.push_back(Make(entry));
    for (size_t sent = 0; sent < count;) {
      sent += core_->Post(std::span<const Message>(batch).subspan(sent));
    }
  };
  post(64);
  while (core_->stats().ended[static_cast<size_t>(TaskState::kSucceeded)].value() < 63) {
    std::this_thread::yield();
  }
  // Messages wait in the inbox, and nobody wakes the core any more: it looks again by itself.
  post(30);
  const uint64_t sleeps = core_->stats().sleeps.value();
  while (core_->stats().sleeps.value() < sleeps + 3) std::this_thread::yield();
  while (ended_ < 94) Drain();
  ExpectConserved(94);
}

TEST_F(CoreThreadTest, RefusesACpuItIsNotGranted) {
  CoreOptions options;
  options.cpu = 4000;
  options.max_queue_depth = 4;
  RealCore core(options, sys::ProdEnv(clock_.anchor()), doorbell_);
  EXPECT_FALSE(core.Start().ok());
  core.Stop();
}

// Yields until it is so; the test's time limit ends a wait in vain.
template <class Condition>
void Await(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

// What a watchdog reads of a core that has nothing to do.
TEST_F(CoreThreadTest, BeatsWhileItSpinsForWork) {
  ASSERT_NO_FATAL_FAILURE(Start(IdlePolicy::kSpin));
  const uint64_t before = core_->stats().beats.value();
  Await([&] { return core_->stats().beats.value() > before + 10; });
  EXPECT_FALSE(core_->asleep());
}

TEST_F(CoreThreadTest, IsAsleepUntilItIsWoken) {
  ASSERT_NO_FATAL_FAILURE(Start(IdlePolicy::kSleep));
  Await([&] { return core_->asleep(); });
  std::atomic<bool> holds{false};
  const TaskEntry entry = EntryOf(&Hold, true, &holds);
  const Message message = Make(entry);
  PostAll({message});
  Await([&] { return holds.load(std::memory_order_acquire); });
  EXPECT_FALSE(core_->asleep());
  EXPECT_EQ(core_->running().entry, &entry);
  PostAll({Cancel(message.slot)});
  Await([&] { return Drain() > 0 && ended_ == 1; });
  Await([&] { return core_->asleep(); });
}

// The signal that asks has a stack of its own: the smallest that may be configured suffices.
TEST_F(CoreThreadTest, TellsAnotherThreadWhereAHandlerOnASmallStackIs) {
  ASSERT_TRUE(sys::PrepareStackCapture().ok());
  stack_bytes_ = 16 * 1024;
  ASSERT_NO_FATAL_FAILURE(Start(IdlePolicy::kSleep));
  std::atomic<bool> stands{false};
  const TaskEntry entry = EntryOf(&Stand, false, &stands);
  const Message message = Make(entry);
  PostAll({message});
  Await([&] { return stands.load(std::memory_order_acquire); });
  const auto frames = sys::CaptureStack(core_->thread_id(), 10'000'000'000);
  EXPECT_NE(sys::DescribeStack(frames, sys::kMostFrames).find("StandStill"), std::string::npos);
  EXPECT_EQ(core_->running().entry, &entry);
  PostAll({Cancel(message.slot)});
  Await([&] { return Drain() > 0 && ended_ == 1; });
  ExpectConserved(1);
}

}  // namespace
}  // namespace weft
