// Where there are several NUMA nodes, a core's slots, stacks, inbox and outbox are kept on its
// CPU's; where there is one, nothing is asked. On an injected machine, and on this one as far as it
// goes.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "core/core_fixture.h"
#include "sys/prod_env.h"

namespace weft {
namespace {

class CoreNodeTest : public CoreTest {
 protected:
  // A core on node 1.
  void BuildOnNode(bool keeps_to_node) {
    CoreOptions options;
    options.max_queue_depth = 64;
    options.stacks = 4;
    options.stacks_kept = 1;
    options.handler_count = 64;
    options.numa_node = 1;
    options.keeps_to_node = keeps_to_node;
    ManualEnv env(&now_, &system_, &cpu_);
    env.set_nodes(&nodes_);
    core_ = std::make_unique<Core<ManualEnv>>(options, env, doorbell_);
    ASSERT_TRUE(core_->Prepare().ok());
  }
  int64_t KeptBytes() const {
    size_t bytes = 0;
    for (const ManualNodes::Kept& kept : nodes_.kept) bytes += kept.memory.size();
    return static_cast<int64_t>(bytes);
  }

  ManualNodes nodes_;
};

TEST_F(CoreNodeTest, KeepsSlotsQueuesAndStacksOnItsNode) {
  BuildOnNode(true);
  const CoreOptions& options = core_->options();
  // Slots, their cold parts, their cancel words, inbox, outbox, stacks.
  ASSERT_EQ(nodes_.kept.size(), 6u);
  for (const ManualNodes::Kept& kept : nodes_.kept) EXPECT_EQ(kept.node, 1u);
  EXPECT_EQ(nodes_.kept[0].memory.size(), options.all_slots() * sizeof(LiveTask));
  EXPECT_EQ(nodes_.kept[1].memory.size(), options.all_slots() * sizeof(TaskCold));
  EXPECT_EQ(nodes_.kept[3].memory.size(), options.inbox_capacity * 64);
  EXPECT_EQ(nodes_.kept[4].memory.size(), options.outbox_capacity * 64);
  EXPECT_EQ(nodes_.kept[5].memory.size(),
            options.stacks * StackPool::StrideOf(options.stack_bytes));
  EXPECT_EQ(core_->stats().node_bytes.value(), KeptBytes());
  EXPECT_EQ(core_->stats().off_node_bytes.value(), 0);
}

// Whatever the parts are called: what a task uses lies in one of them.
TEST_F(CoreNodeTest, KeepsWhatATaskUsesOnItsNode) {
  BuildOnNode(true);
  int runs = 0;
  const TaskEntry* const entry = Suspending([&](TaskContext& context) {
    const char local = 0;
    EXPECT_TRUE(nodes_.Holds(&local, 1)) << "its stack";
    EXPECT_TRUE(nodes_.Holds(&context.output(), 1)) << "its output";
    ++runs;
    context.Yield();
    return TaskOutcome::kSucceeded;
  });
  // The stacks beyond stacks_kept, too, which nobody had touched.
  for (int task = 0; task < 4; ++task) Submit(entry);
  for (int turn = 0; turn < 8; ++turn) core_->Turn();
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(Drain().size(), 4u);
}

TEST_F(CoreNodeTest, AsksForNothingWhereThereIsOneNode) {
  BuildOnNode(false);
  EXPECT_TRUE(nodes_.kept.empty());
  EXPECT_EQ(core_->stats().node_bytes.value(), 0);
}

TEST_F(CoreNodeTest, CountsWhatIsElsewhereAndWorks) {
  nodes_.off_bytes = 4'096;
  BuildOnNode(true);
  EXPECT_EQ(core_->stats().off_node_bytes.value(), 6 * 4'096);
  Submit(Plain([](TaskContext&) { return TaskOutcome::kSucceeded; }));
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
}

// The kernel itself is asked, on the only node there is for sure and on one that is not there.
class RealNodeTest : public testing::Test {
 protected:
  // How much of what was to be kept is not.
  static int64_t OffBytes(uint32_t node, int64_t* kept) {
    CoreOptions options;
    options.numa_node = node;
    options.keeps_to_node = true;
    const sys::Clock clock;
    Doorbell doorbell;
    Core<sys::ProdEnv> core(options, sys::ProdEnv(clock.anchor()), doorbell);
    EXPECT_TRUE(core.Start().ok());
    *kept = core.stats().node_bytes.value();
    return core.stats().off_node_bytes.value();
  }
};

TEST_F(RealNodeTest, MemoryIsOnTheNode) {
  int64_t kept = 0;
  const int64_t off = OffBytes(0, &kept);
  EXPECT_GT(kept, 0);
  if (off == kept) GTEST_SKIP() << "this process may set no memory policy";
  EXPECT_EQ(off, 0);
}

TEST_F(RealNodeTest, MemoryIsElsewhereWhereThereIsNoSuchNode) {
  int64_t kept = 0;
  EXPECT_EQ(OffBytes(1'023, &kept), kept);
  EXPECT_GT(kept, 0);
}

}  // namespace
}  // namespace weft
