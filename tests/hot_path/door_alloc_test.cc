// Proves that the Door's part of the local path allocates nothing once its buffers have met the
// load: submitting, flushing, collecting, delivering, cancelling, ticking. A core as weftd runs it
// is behind it. Results that are kept and refusals are told in memory of their own, so neither is
// here; nor is gRPC.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <thread>

#include "alloc_guard.h"
#include "dispatch/dispatcher.h"
#include "sys/clock.h"
#include "sys/prod_env.h"

namespace weft {
namespace {

constexpr uint64_t kTasks = 300'000;
constexpr uint64_t kFirstTasks = 20'000;
constexpr uint32_t kOutstanding = 256;

class TwoHandlers final : public EntryLookup {
 public:
  TwoHandlers() {
    plain_.run = [](void*, TaskContext& context) {
      context.OutputIsPayload(context.payload());
      return TaskOutcome::kSucceeded;
    };
    plain_.never_suspends = true;
    yields_.run = [](void*, TaskContext& context) {
      return context.Yield() == WakeReason::kElapsed ? TaskOutcome::kSucceeded : context.Stop();
    };
    yields_.index = 1;
  }
  const TaskEntry* Find(std::string_view name) const override {
    return name == "plain" ? &plain_ : &yields_;
  }
  std::string_view Nearest(std::string_view) const override { return {}; }

 private:
  TaskEntry plain_;
  TaskEntry yields_;
};

class Block final : public PayloadBlock {
 private:
  void OnReleased() override {}
};

class Client final : public ResultReceiver {
 public:
  bool is_waiting = false;
  uint64_t* results = nullptr;

 private:
  void OnResult(const TaskResult&, bool) override {
    is_waiting = false;
    ++*results;
  }
};

class Canceller final : public CancelReceiver {
 public:
  bool is_waiting = false;

 private:
  void OnCancelled(CancelOutcome, TaskState) override { is_waiting = false; }
};

class DoorAlloc : public testing::Test {
 protected:
  void SetUp() override {
    if (!AllocGuard::IsInstalled()) GTEST_SKIP() << "sanitizers have an allocator of their own";
    CoreOptions options;
    options.handler_count = 2;
    core_ = std::make_unique<Core<sys::ProdEnv>>(options, env_, doorbell_);
    ASSERT_TRUE(core_->Start().ok());
    Core<sys::ProdEnv>* const cores[] = {core_.get()};
    dispatcher_ =
        std::make_unique<Dispatcher<sys::ProdEnv>>(DispatchOptions(), cores, lookup_, env_);
    for (Client& client : clients_) client.results = &results_;
  }

  // Runs so many tasks to their ends, the Door's rounds over and over.
  void Run(uint64_t count) {
    const uint64_t until = results_ + count;
    uint64_t begun = 0;
    while (results_ < until || canceller_.is_waiting) {
      for (Client& client : clients_) {
        if (client.is_waiting || begun == count) continue;
        Submit(&client, begun++);
      }
      dispatcher_->Flush();
      if (dispatcher_->Collect() == 0) std::this_thread::yield();
      dispatcher_->Tick(env_.Now());
    }
  }

  void Submit(Client* client, uint64_t serial) {
    client->is_waiting = true;
    const TaskSpec spec{.handler = serial % 4 == 0 ? "yields" : "plain",
                        .payload = "some payload",
                        .priority = static_cast<Priority>(serial % kPriorityCount),
                        .timeout_ns = serial % 8 == 0 ? 1'000'000'000 : 0};
    Accepted accepted;
    const auto refusal = dispatcher_->Submit(spec, "spec", block_, {.receiver = client}, &accepted);
    if (refusal) std::abort();
    if (serial % 64 != 0 || canceller_.is_waiting) return;
    canceller_.is_waiting = true;
    if (dispatcher_->Cancel(accepted.id, CancelReason::kClient, &canceller_)) std::abort();
  }

  sys::Clock clock_;
  sys::ProdEnv env_{clock_.anchor()};
  Doorbell doorbell_;
  TwoHandlers lookup_;
  Block block_;
  std::array<Client, kOutstanding> clients_;
  Canceller canceller_;
  uint64_t results_ = 0;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
  std::unique_ptr<Dispatcher<sys::ProdEnv>> dispatcher_;
};

TEST_F(DoorAlloc, SubmitsAndDeliversWithoutAllocating) {
  Run(kFirstTasks);
  const AllocGuard guard;
  Run(kTasks);
  EXPECT_EQ(guard.count(), 0u) << guard.DescribeFirst();
  const StatsSnapshot stats = dispatcher_->Snapshot();
  EXPECT_EQ(stats.accepted, kFirstTasks + kTasks);
  EXPECT_GT(stats.cancelled, 0u);
  EXPECT_EQ(stats.promise_violations, 0u);
}

TEST_F(DoorAlloc, SeesWhatAKeptResultTakes) {
  Run(kFirstTasks);
  Accepted accepted;
  const AllocGuard guard;
  ASSERT_FALSE(dispatcher_->Submit({.handler = "plain", .payload = "some payload"}, "spec", block_,
                                   {.receiver = clients_.data(), .retain = true}, &accepted));
  clients_[0].is_waiting = true;
  const uint64_t before = results_;
  while (results_ == before) {
    dispatcher_->Flush();
    dispatcher_->Collect();
  }
  EXPECT_GT(guard.count(), 0u);
}

}  // namespace
}  // namespace weft
