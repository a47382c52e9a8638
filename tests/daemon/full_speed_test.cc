#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/bench_engine.h"
#include "tests/daemon/daemon_test.h"
#include "tests/daemon/turmoil.h"

// Proves that conservation, refusals and cancels are what they are at rest while a stream takes all
// that the daemon has: `weft bench --mode stream`, or `columns`, at its maximum.
namespace weft {
namespace {

// Messages in flight and tasks in each: at most 8,192 tasks, which with those of the turmoil have
// room in the 10,000 places of a level.
constexpr size_t kMessages = 8;
constexpr size_t kRows = 64;
constexpr size_t kColumns = 1024;

// Keeps the daemon as busy as one client can, until it is stopped.
class Load {
 public:
  Load(const DaemonProcess& daemon, BenchMode mode)
      : mode_(mode), target_(daemon.rpc_address()), thread_([this] { Run(); }) {}
  ~Load() { (void)Stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  bool has_ended() const { return has_ended_; }
  // What became of its tasks; all have been answered then.
  const BenchReport& Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return report_;
  }

 private:
  void Run() {
    BenchOptions options;
    options.target = target_;
    options.mode = mode_;
    options.spec.set_handler("noop");
    options.outstanding = kMessages;
    options.batch = mode_ == BenchMode::kColumns ? kColumns : kRows;
    options.duration_ns = 600'000'000'000;
    options.stop = &stop_;
    auto report = RunBench(options);
    EXPECT_TRUE(report.ok()) << report.status();
    if (report.ok()) report_ = *std::move(report);
    has_ended_ = true;
  }

  const BenchMode mode_;
  const std::string target_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> has_ended_{false};
  BenchReport report_;
  std::thread thread_;
};

class FullSpeedTest : public DaemonTest, public testing::WithParamInterface<BenchMode> {
 protected:
  void StartUnderLoad(std::vector<std::string> settings = {}) {
    Start(std::move(settings));
    load_.emplace(*daemon_, GetParam());
    AwaitMoreOfTheLoad();
  }
  // Until the load was answered ten thousand tasks more, so that what is between two of these ran
  // beside it.
  void AwaitMoreOfTheLoad() {
    const uint64_t until = Counts().succeeded() + 10'000;
    while (Counts().succeeded() < until) {
      if (load_->has_ended()) throw std::runtime_error("the load ended by itself");
      std::this_thread::yield();
    }
  }
  v1::TaskCounts Counts() {
    const auto stats = client_->GetStats();
    if (!stats.ok()) throw std::runtime_error(stats.status().ToString());
    return stats->tasks();
  }
  void AwaitInFlight(uint64_t count) {
    while (Counts().in_flight() != count) std::this_thread::yield();
  }
  // The load is over; none of its tasks was lost, and none was answered twice.
  BenchReport StopTheLoad() {
    const BenchReport report = load_->Stop();
    EXPECT_EQ(report.sent, report.answered() + report.refused_total());
    EXPECT_EQ(report.lost_total() + report.unmatched, 0u) << report.first_error;
    EXPECT_EQ(report.succeeded, report.answered());
    EXPECT_FALSE(report.ended_early) << report.first_error;
    return report;
  }

  void TearDown() override {
    load_.reset();
    DaemonTest::TearDown();
  }

  std::optional<Load> load_;
};

TEST_P(FullSpeedTest, ConservesEveryTaskThroughCancelsAndDisconnects) {
  StartUnderLoad();
  Turmoil turmoil(*daemon_);
  turmoil.Run();
  AwaitMoreOfTheLoad();
  const BenchReport load = StopTheLoad();
  EXPECT_EQ(load.refused_total(), 0u) << load.first_error;
  AwaitInFlight(0);
  turmoil.ExpectCountedIn(Counts(), load.succeeded);
}

TEST_P(FullSpeedTest, RefusesWhatIsWrongByItsNameAndField) {
  StartUnderLoad({"limits.max_payload_bytes=1000"});
  for (int i = 0; i < 50; ++i) {
    ExpectRefused(Run(Spec("sha25")).status(), absl::StatusCode::kInvalidArgument,
                  "UNKNOWN_HANDLER", "spec.handler", "did you mean \"sha256\"?");
    ExpectRefused(Run(Spec("noop", std::string(1'001, 'x'))).status(),
                  absl::StatusCode::kInvalidArgument, "PAYLOAD_TOO_LARGE", "spec.payload",
                  "at most 1000");
    v1::TaskSpec late = Spec("noop");
    late.set_timeout_ns(-1);
    ExpectRefused(Run(late).status(), absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                  "spec.timeout_ns");
    ExpectRefused(client_->Get(12345).status(), absl::StatusCode::kNotFound, "TASK_NOT_FOUND");
  }
  AwaitMoreOfTheLoad();
  EXPECT_EQ(StopTheLoad().refused_total(), 0u);
}

TEST_P(FullSpeedTest, AFullQueueRefusesAndKeepsNothingOfWhatItRefused) {
  StartUnderLoad({"executor.max_queue_depth=4"});
  uint64_t mine = 0, my_refused = 0;
  for (int i = 0; i < 5; ++i) {
    const auto result = Run(Spec("echo", "mine"));
    if (result.ok()) {
      ExpectEnded(*result, v1::TASK_STATE_SUCCEEDED);
      EXPECT_EQ(result->output(), "mine");
      ++mine;
      continue;
    }
    ExpectRefused(result.status(), absl::StatusCode::kResourceExhausted, "QUEUE_FULL");
    EXPECT_TRUE(RetryDelayNs(result.status()).has_value());
    ++my_refused;
  }
  const BenchReport load = StopTheLoad();
  EXPECT_GT(load.refused_total(), 0u);
  EXPECT_EQ(load.refused[static_cast<size_t>(absl::StatusCode::kResourceExhausted)],
            load.refused_total());
  const v1::TaskCounts counts = Counts();
  EXPECT_EQ(counts.accepted(), load.succeeded + mine);
  EXPECT_EQ(counts.refused(), load.refused_total() + my_refused);
}

TEST_P(FullSpeedTest, CancelsWhatSleepsRunsAndWaits) {
  StartUnderLoad();
  uint64_t cancelled = 0;
  for (int i = 0; i < 20; ++i) {
    const uint64_t asleep = MustSubmit(Spec("sleep", "60s"));
    AwaitState(asleep, v1::TASK_STATE_SUSPENDED);
    Cancel(asleep, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
    ExpectEnded(MustWait(asleep), v1::TASK_STATE_CANCELLED);
    Cancel(asleep, v1::CANCEL_OUTCOME_ALREADY_ENDED);
    // The one core is held: what the load sends meanwhile is queued, and so is what is submitted.
    const uint64_t running = HoldTheCore();
    const uint64_t queued = MustSubmit(Spec("echo", "never"));
    ASSERT_TRUE(client_->PauseHandler("echo").ok());
    Cancel(running, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
    ExpectEnded(MustWait(running), v1::TASK_STATE_CANCELLED);
    Cancel(queued, v1::CANCEL_OUTCOME_CANCELLED_QUEUED);
    ASSERT_TRUE(client_->ResumeHandler("echo").ok());
    const v1::TaskResult never = MustWait(queued);
    ExpectEnded(never, v1::TASK_STATE_CANCELLED);
    EXPECT_EQ(never.attempts(), 0u);
    cancelled += 3;
  }
  AwaitMoreOfTheLoad();
  const BenchReport load = StopTheLoad();
  const v1::TaskCounts counts = Counts();
  EXPECT_EQ(counts.cancelled(), cancelled);
  EXPECT_EQ(counts.succeeded(), load.succeeded);
}

INSTANTIATE_TEST_SUITE_P(Beside, FullSpeedTest,
                         testing::Values(BenchMode::kStream, BenchMode::kColumns),
                         [](const auto& mode) {
                           return mode.param == BenchMode::kStream ? "Rows" : "Columns";
                         });

}  // namespace
}  // namespace weft
