// Proves that a task of the blocking pool is a task like any other: admitted against a bound of its
// own, cancelled, expired, paused, listed, counted; and that handlers get there by being blocking
// or by holding cores too often. The cores are turned by hand, the pool's threads are real.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dispatch/dispatcher_fixture.h"
#include "dispatch/steering.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TestObserver final : public DispatchObserver {
 public:
  void OnStall(const Stall& stall) override { stalls.push_back(stall); }
  void OnDemoted(const TaskEntry& entry) override { demoted.emplace_back(entry.name); }
  void OnAbsentCore(uint32_t /*core*/, std::string_view /*field*/) override {}
  void OnCoreChange(const CoreChange& /*change*/) override {}

  std::vector<Stall> stalls;
  std::vector<std::string> demoted;
};

class IdLister final : public TaskLister {
 public:
  void OnTask(const TaskSummary& task) override { ids.push_back(task.result.id); }
  bool full() const override { return false; }

  std::vector<TaskId> ids;
};

class PoolTest : public DispatcherFixture {
 protected:
  PoolTest() {
    pool_threads_ = 1;
    options_.blocking_queue_depth = 2;
    AddBlocking("hold", [this](TaskContext& context) {
      ++running_;
      while (!let_go_.load() && !context.ShouldStop()) std::this_thread::yield();
      --running_;
      return let_go_.load() ? TaskOutcome::kSucceeded : context.Stop();
    });
    AddBlocking("nap", [](TaskContext& context) {
      return context.SleepFor(1'000'000'000) == WakeReason::kElapsed ? TaskOutcome::kSucceeded
                                                                     : context.Stop();
    });
    AddBlocking("throw", [](TaskContext&) -> TaskOutcome { throw std::runtime_error("broken"); });
    AddBlocking("echo_there", [this](TaskContext& context) {
      ran_on_ = std::this_thread::get_id();
      context.OutputIsPayload(context.payload().substr(1));
      return TaskOutcome::kSucceeded;
    });
    // Holds its core for longer than the threshold.
    AddHandler("stall", true, [this](TaskContext&) {
      for (int look = 0; stalls_ && look < 6; ++look) {
        now_ += 25'000'000;
        dispatcher_->Tick(now_);
      }
      return TaskOutcome::kSucceeded;
    });
  }
  ~PoolTest() override { let_go_ = true; }

  void AddBlocking(const std::string& name, Body body) {
    AddHandler(name, false, std::move(body));
    entries_[name].blocking = true;
    entries_[name].pooled.Set(true);
  }
  void BuildAll() {
    Build();
    dispatcher_->set_observer(observer_);
    steering_.emplace(*dispatcher_, *this,
                      std::vector<std::string>{"echo", "fail", "sleep", "hold", "nap", "throw",
                                               "echo_there", "stall"});
  }
  // The test's time limit ends a wait in vain.
  template <class Condition>
  void TurnUntil(Condition condition) {
    while (!condition()) {
      TurnAll();
      std::this_thread::yield();
    }
  }
  TaskResult RunToEnd(const TaskSpec& spec) {
    receiver_.calls = 0;
    MustSubmit(spec, {.receiver = &receiver_});
    TurnUntil([&] { return receiver_.calls == 1; });
    return receiver_.result;
  }
  Core<ManualEnv>& pool() { return *cores_.back(); }

  std::atomic<bool> let_go_{false};
  std::atomic<int> running_{0};
  std::thread::id ran_on_;
  bool stalls_ = true;
  TestObserver observer_;
  TestReceiver receiver_;
  std::optional<Steering<ManualEnv>> steering_;
};

TEST_F(PoolTest, TellsTheLatencyTargetOfCoresAlone) {
  BuildAll();
  MustSubmit({.handler = "hold"}, {.receiver = &receiver_});
  TurnUntil([&] { return running_ == 1; });
  now_ += 500'000'000;
  let_go_ = true;
  TurnUntil([&] { return receiver_.calls == 1; });
  EXPECT_GE(receiver_.result.execution_latency_ns, 500'000'000);
  EXPECT_TRUE(dispatcher_->Snapshot().meeting_latency_target);
}

TEST(StallWatch, LooksAsOftenAsTheShorterThresholdAsks) {
  StallWatch watch({.cores = 1, .threads = 1, .threshold = 60'000, .thread_threshold = 1'000});
  EXPECT_EQ(watch.look_ticks, 250);
  watch.SetThresholds(400, 1'000);
  EXPECT_EQ(watch.look_ticks, 100);
}

TEST_F(PoolTest, RunsATaskOnAThreadAndTellsItsResult) {
  BuildAll();
  const TaskResult result = RunToEnd({.handler = "echo_there", .payload = "abc"});
  EXPECT_EQ(result.state, TaskState::kSucceeded);
  EXPECT_EQ(receiver_.output, "bc");
  EXPECT_EQ(result.cpu, kPoolCpu);
  EXPECT_EQ(result.suspended_ns, 0);
  EXPECT_EQ(result.attempts, 1);
  EXPECT_NE(ran_on_, std::this_thread::get_id());
  EXPECT_EQ(dispatcher_->Snapshot().pool->counts.executed, 1U);
  EXPECT_EQ(dispatcher_->Snapshot().cores.size(), 1U);
  EXPECT_EQ(steering_->Handlers()[6].executed, 1U);
  ExpectPromisesKept();
}

TEST_F(PoolTest, FailsATaskThatNoThreadIsGrantedForAndSaysSo) {
  bool is_granted = false;
  thread_starter_ = [&](std::optional<sys::Thread>* thread, const sys::ThreadOptions& options,
                        std::function<void()> body) -> absl::Status {
    if (!is_granted) return absl::ResourceExhaustedError("raise something");
    return sys::StartThread(thread, options, std::move(body));
  };
  BuildAll();
  const TaskResult result = RunToEnd({.handler = "echo_there", .payload = "abc"});
  EXPECT_EQ(result.state, TaskState::kFailed);
  EXPECT_EQ(result.error_code, TaskErrorCode::kNoThread);
  EXPECT_EQ(receiver_.error, "raise something");
  EXPECT_EQ(result.attempts, 0);
  EXPECT_EQ(result.started_at_ns, 0);
  EXPECT_EQ(result.execution_latency_ns, 0);
  const PoolSnapshot snapshot = *dispatcher_->Snapshot().pool;
  EXPECT_EQ(snapshot.threads_refused, 1U);
  EXPECT_EQ(snapshot.counts.started, 0U);
  EXPECT_EQ(steering_->Handlers()[6].executed, 0U) << "nothing of it has run";
  is_granted = true;
  EXPECT_EQ(RunToEnd({.handler = "echo_there", .payload = "abc"}).state, TaskState::kSucceeded);
  ExpectPromisesKept();
}

TEST_F(PoolTest, ATaskThatIsStoppedOnItsWayToAThreadNeverBegins) {
  TaskId id;
  TestCancelReceiver answer;
  thread_starter_ = [&](std::optional<sys::Thread>* thread, const sys::ThreadOptions& options,
                        std::function<void()> body) {
    EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, &answer));
    return sys::StartThread(thread, options, std::move(body));
  };
  BuildAll();
  id = MustSubmit({.handler = "echo_there", .payload = "abc"}, {.receiver = &receiver_});
  TurnUntil([&] { return receiver_.calls == 1 && answer.calls == 1; });
  EXPECT_EQ(receiver_.result.state, TaskState::kCancelled);
  EXPECT_EQ(receiver_.result.error_code, TaskErrorCode::kCancelledByClient);
  EXPECT_EQ(receiver_.result.attempts, 0);
  EXPECT_EQ(receiver_.result.started_at_ns, 0);
  EXPECT_EQ(ran_on_, std::thread::id()) << "its handler never began";
  EXPECT_EQ(steering_->Handlers()[6].executed, 0U);
  ExpectPromisesKept();
}

TEST_F(PoolTest, TellsWhatAHandlerThrew) {
  BuildAll();
  const TaskResult result = RunToEnd({.handler = "throw"});
  EXPECT_EQ(result.state, TaskState::kFailed);
  EXPECT_EQ(result.error_code, TaskErrorCode::kHandlerException);
  EXPECT_EQ(receiver_.error, "broken");
}

TEST_F(PoolTest, TakesNoNoticeOfTheCoreATaskAsksForUnlessThereIsNoSuchCore) {
  BuildAll();
  EXPECT_EQ(RunToEnd({.handler = "echo_there", .payload = "x", .cpu = 10}).cpu, kPoolCpu);
  const auto refusal = Submit({.handler = "echo_there", .cpu = 99});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->field, "spec.core");
}

TEST_F(PoolTest, RefusesWhatItsQueueHasNoRoomFor) {
  BuildAll();
  MustSubmit({.handler = "hold"});
  TurnUntil([&] { return running_ == 1; });
  MustSubmit({.handler = "hold"});
  MustSubmit({.handler = "hold"});
  TurnAll();
  const auto refusal = Submit({.handler = "hold"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kQueueFull);
  EXPECT_EQ(refusal->bound, "blocking.max_queue_depth (level normal)");
  EXPECT_THAT(refusal->message, HasSubstr("of the blocking pool is full: 2 of 2"));
  EXPECT_GT(refusal->retry_after_ns, 0);
  EXPECT_FALSE(Submit({.handler = "echo"})) << "the cores have room";
  const PoolSnapshot snapshot = *dispatcher_->Snapshot().pool;
  EXPECT_EQ(snapshot.refused, 1U);
  EXPECT_EQ(snapshot.max_queue_depth, 2U);
  EXPECT_EQ(snapshot.threads_max, 1U);
  EXPECT_EQ(snapshot.counts.queued[static_cast<size_t>(Priority::kNormal)], 2U);
  EXPECT_EQ(snapshot.counts.started, 1U);
  EXPECT_EQ(snapshot.threads, 1U) << "never more than threads_max";
  ASSERT_EQ(snapshot.busy.size(), 1U);
  EXPECT_EQ(snapshot.busy[0].handler, Find("hold")->index);
  let_go_ = true;
  TurnUntil([&] { return dispatcher_->in_flight() == 0; });
  ExpectPromisesKept();
}

TEST_F(PoolTest, CountsAsItsOwnOnlyWhatItHadNoRoomFor) {
  options_.max_in_flight_bytes = 8;
  BuildAll();
  MustSubmit({.handler = "hold"});
  TurnUntil([&] { return running_ == 1; });
  MustSubmit({.handler = "hold"});
  MustSubmit({.handler = "hold"});
  // Its queue is full, too, but the bytes are looked at first.
  EXPECT_EQ(Submit({.handler = "hold", .payload = "123456789"})->reason,
            RefusalReason::kPayloadBytesFull);
  EXPECT_EQ(dispatcher_->Snapshot().pool->refused, 0U);
  EXPECT_EQ(Submit({.handler = "hold"})->reason, RefusalReason::kQueueFull);
  EXPECT_EQ(dispatcher_->Snapshot().pool->refused, 1U);
  let_go_ = true;
  TurnUntil([&] { return dispatcher_->in_flight() == 0; });
}

TEST_F(PoolTest, EndsWhatIsCancelledInItsQueueAndWhatExpiresThere) {
  BuildAll();
  MustSubmit({.handler = "hold"});
  TurnUntil([&] { return running_ == 1; });
  TestReceiver cancelled;
  TestReceiver late;
  const TaskId id = MustSubmit({.handler = "hold"}, {.receiver = &cancelled});
  MustSubmit({.handler = "hold", .timeout_ns = 1'000}, {.receiver = &late});
  TurnAll();
  TestCancelReceiver answer;
  EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, &answer));
  TurnAll();
  EXPECT_EQ(answer.outcome, CancelOutcome::kCancelledQueued);
  EXPECT_EQ(cancelled.result.state, TaskState::kCancelled);
  EXPECT_EQ(late.calls, 0);
  now_ += 1'000'000;
  TurnAll();
  EXPECT_EQ(late.result.state, TaskState::kExpired);
  EXPECT_EQ(late.result.attempts, 0);
  EXPECT_EQ(running_, 1) << "although the thread is held all the time";
  let_go_ = true;
  TurnUntil([&] { return dispatcher_->in_flight() == 0; });
  ExpectPromisesKept();
}

TEST_F(PoolTest, CutsASleepingThreadShortByACancel) {
  BuildAll();
  const TaskId id = MustSubmit({.handler = "nap"}, {.receiver = &receiver_});
  TurnUntil([&] { return pool().blocking().thread(0).running().entry != nullptr; });
  EXPECT_EQ(StateOf(id), TaskState::kRunning);
  TestCancelReceiver answer;
  EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, &answer));
  TurnUntil([&] { return receiver_.calls == 1; });
  EXPECT_EQ(answer.outcome, CancelOutcome::kRequestedRunning);
  EXPECT_EQ(receiver_.result.state, TaskState::kCancelled);
  EXPECT_EQ(receiver_.result.error_code, TaskErrorCode::kCancelledByClient);
}

TEST_F(PoolTest, ADrainAsksWhatItsThreadsRunToStop) {
  BuildAll();
  MustSubmit({.handler = "nap"}, {.receiver = &receiver_});
  TurnUntil([&] { return pool().blocking().thread(0).running().entry != nullptr; });
  dispatcher_->BeginDrain();
  EXPECT_EQ(Submit({.handler = "nap"})->reason, RefusalReason::kDraining);
  EXPECT_TRUE(dispatcher_->HasOpen());
  dispatcher_->CancelAll(CancelReason::kShutdown);
  TurnUntil([&] { return !dispatcher_->HasOpen(); });
  EXPECT_EQ(receiver_.result.error_code, TaskErrorCode::kShuttingDown);
}

TEST_F(PoolTest, APauseHoldsWhatIsQueuedThere) {
  BuildAll();
  MustSubmit({.handler = "hold"});
  TurnUntil([&] { return running_ == 1; });
  const TaskId queued = MustSubmit({.handler = "echo_there", .payload = "x"});
  bool changed = false;
  EXPECT_FALSE(steering_->Pause("echo_there", &changed));
  let_go_ = true;
  TurnUntil([&] { return dispatcher_->in_flight() == 1; });
  for (int turn = 0; turn < 3; ++turn) TurnAll();
  EXPECT_EQ(StateOf(queued), TaskState::kQueued);
  EXPECT_EQ(dispatcher_->Snapshot().pool->counts.held, 1U);
  EXPECT_EQ(Submit({.handler = "echo_there"})->reason, RefusalReason::kHandlerPaused);
  EXPECT_FALSE(steering_->Resume("echo_there", &changed));
  TurnUntil([&] { return dispatcher_->in_flight() == 0; });
  ExpectPromisesKept();
}

TEST_F(PoolTest, ListsItsTasksByThePoolsNumber) {
  BuildAll();
  const TaskId there = MustSubmit({.handler = "hold"});
  MustSubmit({.handler = "sleep"});
  TaskFilter filter;
  filter.cpu = kPoolCpu;
  ASSERT_FALSE(dispatcher_->CheckFilter(filter));
  IdLister lister;
  ListCursor cursor;
  while (dispatcher_->List(filter, &cursor, lister)) {
  }
  EXPECT_THAT(lister.ids, ElementsAre(there));
}

TEST_F(PoolTest, NamesAHandlerThatHoldsAThreadBeyondItsOwnThreshold) {
  BuildAll();
  MustSubmit({.handler = "hold"});
  TurnUntil([&] { return running_ == 1; });
  for (int look = 0; look < 4; ++look) {
    now_ += 20'000'000'000;
    dispatcher_->Tick(now_);
  }
  ASSERT_EQ(observer_.stalls.size(), 1U) << "once a hold";
  EXPECT_EQ(observer_.stalls[0].cpu, -1);
  EXPECT_EQ(observer_.stalls[0].thread, 0U);
  EXPECT_EQ(observer_.stalls[0].thread_id, pool().blocking().thread(0).thread_id());
  EXPECT_EQ(observer_.stalls[0].holder.entry, Find("hold"));
  EXPECT_EQ(observer_.stalls[0].threshold_ns, 60'000'000'000);
  EXPECT_EQ(dispatcher_->Snapshot().pool->counts.stalls, 1U);
}

TEST_F(PoolTest, AHandlerThatHoldsItsCoreAgainAndAgainIsDemotedUntilItIsResumed) {
  options_.stall_policy = StallPolicy::kDemote;
  BuildAll();
  for (size_t stall = 0; stall + 1 < kStallsToDemote; ++stall) RunToEnd({.handler = "stall"});
  EXPECT_THAT(observer_.demoted, IsEmpty());
  EXPECT_EQ(RunToEnd({.handler = "stall"}).cpu, 10U);
  EXPECT_THAT(observer_.demoted, ElementsAre("stall"));
  EXPECT_EQ(dispatcher_->stats().demotions.value(), 1U);
  stalls_ = false;
  EXPECT_EQ(RunToEnd({.handler = "stall"}).cpu, kPoolCpu);
  EXPECT_TRUE(steering_->demoted(7));
  EXPECT_EQ(RunToEnd({.handler = "echo"}).cpu, 10U) << "nobody else is";
  bool changed = false;
  EXPECT_FALSE(steering_->Resume("stall", &changed));
  EXPECT_TRUE(changed);
  EXPECT_FALSE(steering_->demoted(7));
  EXPECT_EQ(RunToEnd({.handler = "stall"}).cpu, 10U);
  stalls_ = true;
  RunToEnd({.handler = "stall"});
  EXPECT_FALSE(steering_->demoted(7)) << "the count begins anew";
  ExpectPromisesKept();
}

TEST_F(PoolTest, NobodyIsDemotedForStallsFarApart) {
  options_.stall_policy = StallPolicy::kDemote;
  BuildAll();
  for (size_t stall = 0; stall < 2 * kStallsToDemote; ++stall) {
    RunToEnd({.handler = "stall"});
    now_ += kDemoteWindowNs / 2;
  }
  EXPECT_THAT(observer_.demoted, IsEmpty());
}

TEST_F(PoolTest, NobodyIsDemotedUnlessThePolicySaysSo) {
  BuildAll();
  for (size_t stall = 0; stall <= kStallsToDemote; ++stall) RunToEnd({.handler = "stall"});
  EXPECT_GE(observer_.stalls.size(), kStallsToDemote);
  EXPECT_THAT(observer_.demoted, IsEmpty());
  EXPECT_FALSE(steering_->demoted(7));
}

TEST_F(PoolTest, ResumingWhatIsBlockingLeavesItThere) {
  BuildAll();
  bool changed = true;
  EXPECT_FALSE(steering_->Resume("hold", &changed));
  EXPECT_FALSE(changed);
  EXPECT_TRUE(Find("hold")->pooled.is_set());
  EXPECT_FALSE(steering_->demoted(3));
}

}  // namespace
}  // namespace weft
