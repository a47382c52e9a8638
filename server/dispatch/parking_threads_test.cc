// Cores on threads of their own are parked and taken in again, over and over, while tasks go round:
// none may be lost and each core must hear of it, whatever the threads' order. Run it under
// ThreadSanitizer.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "dispatch/dispatcher.h"

namespace weft {
namespace {

constexpr uint32_t kCores = 3;
constexpr uint32_t kDepth = 16;
constexpr int kRounds = 50;
// More than two cores have room for.
constexpr uint64_t kTasks = 2 * kDepth + 1;

class OneHandler final : public EntryLookup {
 public:
  OneHandler() {
    entry_.run = [](void*, TaskContext&) { return TaskOutcome::kSucceeded; };
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

TEST(CoreParking, LosesNothingWhileCoresComeAndGo) {
  const sys::Clock clock;
  sys::ProdEnv env(clock.anchor());
  const OneHandler lookup;
  Doorbell doorbell;
  Block block;
  std::vector<std::unique_ptr<Core<sys::ProdEnv>>> cores;
  std::vector<Core<sys::ProdEnv>*> all;
  for (uint32_t index = 0; index < kCores; ++index) {
    const CoreOptions options{
        .index = index, .max_queue_depth = kDepth, .stacks = 4, .handler_count = 1};
    cores.push_back(std::make_unique<Core<sys::ProdEnv>>(options, env, doorbell));
    ASSERT_TRUE(cores.back()->Start().ok());
    all.push_back(cores.back().get());
  }
  Dispatcher<sys::ProdEnv> dispatcher({.max_queue_depth = kDepth, .active_min = 1}, all, lookup,
                                      env);
  const DispatchStats& stats = dispatcher.stats();
  // The Door's clock is far ahead, so that it looks as often as it is asked to.
  sys::Ticks now = env.Now();
  const sys::Ticks look = clock.anchor().NsToTicks(ActiveCores::kLookNs);
  for (int round = 1; round <= kRounds; ++round) {
    while (stats.active_cores.value() > 1) {
      now += look + 1;
      dispatcher.Tick(now);
      dispatcher.Flush();
    }
    Accepted accepted;
    for (uint64_t task = 0; task < kTasks; ++task) {
      ASSERT_FALSE(dispatcher.Submit({.handler = "any"}, "spec", block, {}, &accepted));
    }
    EXPECT_EQ(stats.active_cores.value(), int64_t{kCores});
    while (dispatcher.HasOpen()) {
      dispatcher.Flush();
      if (dispatcher.Collect() == 0) std::this_thread::yield();
    }
  }
  EXPECT_EQ(stats.Ended(), kRounds * kTasks);
  EXPECT_EQ(stats.Violations(), 0u);
  EXPECT_EQ(stats.core_parks.value(), uint64_t{kRounds} * (kCores - 1));
  EXPECT_EQ(stats.core_unparks.value(), uint64_t{kRounds} * (kCores - 1));
  for (const auto& core : cores) {
    core->Stop();
    EXPECT_GE(core->stats().executed(), 1u);
  }
}

}  // namespace
}  // namespace weft
