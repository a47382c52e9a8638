#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "core/core_fixture.h"
#include "sys/clock.h"
#include "sys/prod_env.h"

namespace weft {
namespace {

// ---- By hand ------------------------------------------------------------------------------------

class RemoteSpawnTest : public CoreTest {
 protected:
  SpawnAnswer SpawnRemote(const TaskEntry* entry) {
    return core_->SpawnRemote(*entry, "from afar", Priority::kHigh);
  }
  const TaskEntry* Counting() {
    return Plain([this](TaskContext& context) {
      EXPECT_EQ(context.payload(), "from afar");
      ++runs_;
      return TaskOutcome::kSucceeded;
    });
  }

  int runs_ = 0;
};

TEST_F(RemoteSpawnTest, RunsWhatOthersSpawnUntilTheirSlotsAreTaken) {
  Build([](CoreOptions& options) {
    options.local_slots = 1;
    options.remote_slots = 2;
  });
  const TaskEntry* child = Counting();
  for (int round = 1; round <= 3; ++round) {
    EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kSpawned);
    EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kSpawned);
    EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kSlotsTaken);
    EXPECT_EQ(runs_, 2 * (round - 1)) << "only a turn takes it in";
    core_->Turn();
    EXPECT_EQ(runs_, 2 * round);
  }
  EXPECT_TRUE(Drain().empty()) << "nobody is told";
  ExpectConserved();
}

TEST_F(RemoteSpawnTest, ATaskThatIsSuspendedKeepsItsSlot) {
  Build([](CoreOptions& options) { options.remote_slots = 1; });
  const TaskEntry* sleeper = Suspending([](TaskContext& context) {
    context.SleepFor(1'000'000);
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(SpawnRemote(sleeper), SpawnAnswer::kSpawned);
  core_->Turn();
  EXPECT_EQ(SpawnRemote(sleeper), SpawnAnswer::kSlotsTaken);
  now_ += 2'000'000;
  core_->Turn();
  EXPECT_EQ(SpawnRemote(sleeper), SpawnAnswer::kSpawned);
}

TEST_F(RemoteSpawnTest, AFullInboxTakesNoSlot) {
  Build([](CoreOptions& options) {
    options.inbox_capacity = 2;
    options.remote_slots = 2;
  });
  const TaskEntry* child = Counting();
  Submit(Plain([](TaskContext&) { return TaskOutcome::kSucceeded; }));
  Submit(Plain([](TaskContext&) { return TaskOutcome::kSucceeded; }));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kInboxFull);
  core_->Turn();
  EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kSpawned);
  EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kSpawned);
  core_->Turn();
  EXPECT_EQ(runs_, 2);
}

TEST_F(RemoteSpawnTest, RefusesWhatBelongsToTheBlockingPool) {
  Build([](CoreOptions& options) { options.remote_slots = 1; });
  const TaskEntry* child = Counting();
  child->pooled.Set(true);
  EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kBelongsToPool);
  child->pooled.Set(false);
  EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kSpawned) << "the refusal took no slot";
}

// The slot of another thread's task and those of its own tasks are never mistaken for each other.
TEST_F(RemoteSpawnTest, OthersAndItsOwnTasksDoNotTakeEachOthersSlots) {
  Build([](CoreOptions& options) {
    options.local_slots = 1;
    options.remote_slots = 1;
  });
  const TaskEntry* child = Counting();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(SpawnRemote(child), SpawnAnswer::kSpawned);
    EXPECT_EQ(core_->Spawn(*child, "from afar", Priority::kLow), SpawnAnswer::kSpawned);
    EXPECT_EQ(core_->Spawn(*child, "from afar", Priority::kLow), SpawnAnswer::kSlotsTaken);
    core_->Turn();
  }
  EXPECT_EQ(runs_, 6);
}

// ---- Between threads ----------------------------------------------------------------------------

using RealCore = Core<sys::ProdEnv>;

// Two cores that send each other tasks, each the next one, until so many have run on both together.
struct Rally {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  static constexpr uint64_t kBalls = 20'000;
#else
  static constexpr uint64_t kBalls = 100'000;
#endif
  static constexpr uint32_t kSlots = 4;

  std::array<RealCore*, 2> cores{};
  std::array<TaskEntry, 2> entries{};  // entries[i] runs on cores[i].
  std::array<uint64_t, 2> hits{};      // Core i only.
  std::atomic<uint64_t> served{0};
  std::atomic<uint64_t> done{0};
};

template <size_t kHere>
TaskOutcome Hit(void* state, TaskContext& context) {
  auto& rally = *static_cast<Rally*>(state);
  constexpr size_t kThere = 1 - kHere;
  ++rally.hits[kHere];
  if (rally.served.fetch_add(1, std::memory_order_relaxed) < Rally::kBalls) {
    while (rally.cores[kThere]->SpawnRemote(rally.entries[kThere], {}, Priority::kNormal) !=
           SpawnAnswer::kSpawned) {
      context.Yield();
    }
  }
  rally.done.fetch_add(1, std::memory_order_release);
  rally.done.notify_one();
  return TaskOutcome::kSucceeded;
}

TEST(RemoteSpawnRace, TwoCoresSendEachOtherTasksAndNoneIsLost) {
  const sys::Clock clock;
  Doorbell doorbell;
  Rally rally;
  rally.entries[0].run = &Hit<0>;
  rally.entries[1].run = &Hit<1>;
  std::vector<std::unique_ptr<RealCore>> cores;
  for (uint32_t i = 0; i < 2; ++i) {
    rally.entries[i].state = &rally;
    CoreOptions options;
    options.index = i;
    options.spin_us = 5;
    options.max_queue_depth = 16;
    options.stacks = 2 * Rally::kSlots;
    options.handler_count = 1;
    options.remote_slots = Rally::kSlots;
    cores.push_back(std::make_unique<RealCore>(options, sys::ProdEnv(clock.anchor()), doorbell));
    rally.cores[i] = cores.back().get();
  }
  for (const auto& core : cores) ASSERT_TRUE(core->Start().ok());
  // From this thread, the first ones: as many as there are slots, and one too many.
  constexpr uint64_t kFirst = Rally::kSlots;
  for (uint64_t i = 0; i < kFirst; ++i) {
    while (cores[0]->SpawnRemote(rally.entries[0], {}, Priority::kNormal) !=
           SpawnAnswer::kSpawned) {
      std::this_thread::yield();
    }
  }
  const uint64_t all = Rally::kBalls + kFirst;
  for (uint64_t done = 0; (done = rally.done.load(std::memory_order_acquire)) < all;) {
    rally.done.wait(done, std::memory_order_acquire);
  }
  for (const auto& core : cores) core->Stop();
  EXPECT_EQ(rally.hits[0] + rally.hits[1], all);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(cores[i]->stats().spawned.value(), rally.hits[i]);
    EXPECT_EQ(cores[i]->stats().submitted.value(), 0u);
  }
}

}  // namespace
}  // namespace weft
