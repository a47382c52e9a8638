#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/daemon/daemon_test.h"

// Proves that whatever is asked for wrongly gets its own clear error, with code, reason, field or
// bound, and that the daemon goes on: every test ends by running a task.
namespace weft {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kFull = absl::StatusCode::kResourceExhausted;

class RefusalTest : public DaemonTest {
 protected:
  void TearDown() override {
    const auto result = Run(Spec("echo", "still here"));
    EXPECT_TRUE(result.ok() && result->output() == "still here") << result.status();
    DaemonTest::TearDown();
  }
};

TEST_F(RefusalTest, OfAnUnknownHandlerSuggestsTheNearest) {
  Start();
  ExpectRefused(Run(Spec("sha25")).status(), kInvalid, "UNKNOWN_HANDLER", "spec.handler",
                "did you mean \"sha256\"?");
  ExpectRefused(client_->Submit(Spec("sha25")).status(), kInvalid, "UNKNOWN_HANDLER",
                "spec.handler", "sha25");
}

TEST_F(RefusalTest, OfAnEmptyOrEndlessHandlerSaysSo) {
  Start();
  ExpectRefused(Run(Spec("")).status(), kInvalid, "INVALID_FIELD", "spec.handler", "is empty");
  ExpectRefused(Run(Spec(std::string(1000, 'x'))).status(), kInvalid, "INVALID_FIELD",
                "spec.handler", "1000");
}

TEST_F(RefusalTest, OfAPayloadOneByteOverTheLimitNamesBoth) {
  Start({"limits.max_payload_bytes=1000"});
  EXPECT_EQ(Run(Spec("echo", std::string(1000, 'x')))->output().size(), 1000u);
  const absl::Status status = Run(Spec("echo", std::string(1001, 'x'))).status();
  ExpectRefused(status, kInvalid, "PAYLOAD_TOO_LARGE", "spec.payload", "1001");
  ExpectRefused(status, kInvalid, "PAYLOAD_TOO_LARGE", "spec.payload", "1000");
}

TEST_F(RefusalTest, OfATimeoutOutOfRange) {
  Start();
  for (const int64_t timeout_ns :
       {int64_t{-1}, int64_t{86'400'000'000'001}, INT64_MAX, INT64_MIN}) {
    v1::TaskSpec spec = Spec("noop");
    spec.set_timeout_ns(timeout_ns);
    const std::string value = std::to_string(timeout_ns);
    ExpectRefused(client_->Submit(spec).status(), kInvalid, "INVALID_FIELD", "spec.timeout_ns",
                  value);
    ExpectRefused(Run(spec).status(), kInvalid, "INVALID_FIELD", "spec.timeout_ns", value);
  }
}

TEST_F(RefusalTest, OfACoreOutsideTheSetListsTheSet) {
  Start();
  v1::TaskSpec spec = Spec("noop");
  spec.set_core(4000);
  ExpectRefused(Run(spec).status(), kInvalid, "INVALID_FIELD", "spec.core", "4000");
  ExpectRefused(Run(spec).status(), kInvalid, "INVALID_FIELD", "spec.core",
                ": " + std::to_string(client_->GetStats()->cores(0).core()));
  EXPECT_TRUE(daemon_->WaitForLog("core_out_of_range field=spec.core core=4000"));
  EXPECT_NE(HttpGet(daemon_->web_address(), "/metrics")
                .body.find("\nweft_dispatch_core_out_of_range_total 2\n"),
            std::string::npos);
}

TEST_F(RefusalTest, OfAnUnknownPriorityListsTheKnown) {
  Start();
  v1::TaskSpec spec = Spec("noop");
  spec.set_priority(static_cast<v1::Priority>(9));
  ExpectRefused(Run(spec).status(), kInvalid, "INVALID_FIELD", "spec.priority", "9");
}

TEST_F(RefusalTest, OfARequestWithoutASpecIsThatOfAnEmptyHandler) {
  Start();
  ExpectRefused(client_->Run(v1::RunTaskRequest()).status(), kInvalid, "INVALID_FIELD",
                "spec.handler", "is empty");
}

TEST_F(RefusalTest, OfIdsThatNeverWere) {
  Start();
  const uint64_t real = MustSubmit(Spec("noop"));
  MustWait(real);
  // None, made up, another core's, and the next that will be given.
  for (const uint64_t id :
       {uint64_t{0}, uint64_t{1}, UINT64_MAX, real ^ (uint64_t{200} << 56), real + 1, real - 1}) {
    for (const absl::Status& status :
         {client_->Get(id).status(), client_->Wait(id).status(), client_->Cancel(id).status()}) {
      ExpectRefused(status, absl::StatusCode::kNotFound, "TASK_NOT_FOUND", "", std::to_string(id));
    }
  }
}

TEST_F(RefusalTest, OfAnIdOfAnEarlierBoot) {
  Start();
  const uint64_t old = MustSubmit(Spec("noop"));
  MustWait(old);
  client_.reset();
  EXPECT_EQ(daemon_->Terminate().exit_code, 0);
  Start();
  const uint64_t young = MustSubmit(Spec("noop"));
  EXPECT_GT(young, old);
  ExpectRefused(client_->Get(old).status(), absl::StatusCode::kNotFound, "TASK_NOT_FOUND");
}

TEST_F(RefusalTest, OfAWaitLongerThanTheCapOrNegative) {
  Start({"limits.max_wait_s=2"});
  const uint64_t id = MustSubmit(Spec("noop"));
  for (const int64_t wait_ns : {int64_t{2'000'000'001}, int64_t{-1}}) {
    ExpectRefused(client_->Wait(id, wait_ns).status(), kInvalid, "INVALID_FIELD", "wait_ns",
                  std::to_string(wait_ns));
  }
  EXPECT_TRUE(client_->Wait(id, 2'000'000'000).ok());
}

TEST_F(RefusalTest, OfTheWaiterBeyondTheBound) {
  Start({"limits.max_waiters=1"});
  const uint64_t id = MustSubmit(Spec("sleep", "60s"));
  std::thread first([this, id] { EXPECT_TRUE(client_->Wait(id).ok()); });
  while (client_->GetStats()->waiters() < 1) std::this_thread::yield();
  const absl::Status status = client_->Wait(id).status();
  ExpectRefused(status, kFull, "WAITERS_FULL");
  EXPECT_EQ(ExceededBounds(status), std::vector<std::string>{"limits.max_waiters"});
  EXPECT_TRUE(RetryDelayNs(status).has_value());
  ASSERT_TRUE(client_->Cancel(id).ok());
  first.join();
}

TEST_F(RefusalTest, OfTheTaskBeyondTheDepthKeepsNothingOfItAndSaysWhenToTryAgain) {
  Start({"executor.max_queue_depth=2"});
  const uint64_t holder = HoldTheCore();
  const uint64_t first = MustSubmit(Spec("noop"));
  const uint64_t second = MustSubmit(Spec("noop"));
  for (const absl::Status& status :
       {client_->Submit(Spec("noop")).status(), Run(Spec("noop")).status()}) {
    ExpectRefused(status, kFull, "QUEUE_FULL");
    ASSERT_EQ(ExceededBounds(status).size(), 1u);
    EXPECT_NE(ExceededBounds(status)[0].find("executor.max_queue_depth"), std::string::npos);
    const auto delay_ns = RetryDelayNs(status);
    ASSERT_TRUE(delay_ns.has_value());
    EXPECT_GT(*delay_ns, 0);
  }
  // Each level has a depth of its own.
  v1::TaskSpec urgent = Spec("noop");
  urgent.set_priority(v1::PRIORITY_HIGH);
  const uint64_t high = MustSubmit(urgent);
  auto stats = client_->GetStats();
  EXPECT_EQ(stats->tasks().accepted(), 4u);
  EXPECT_EQ(stats->tasks().refused(), 2u);
  EXPECT_EQ(stats->cores(0).queued_normal(), 2u);
  ASSERT_TRUE(client_->Cancel(holder).ok());
  for (const uint64_t id : {first, second, high}) {
    ExpectEnded(MustWait(id), v1::TASK_STATE_SUCCEEDED);
  }
}

TEST_F(RefusalTest, OfPayloadsBeyondTheBytesInFlight) {
  Start({"limits.max_payload_bytes=1000", "limits.max_in_flight_bytes=1000"});
  const uint64_t holder = HoldTheCore();
  const uint64_t id = MustSubmit(Spec("echo", std::string(900, 'x')));
  const absl::Status status = client_->Submit(Spec("echo", std::string(200, 'x'))).status();
  ExpectRefused(status, kFull, "PAYLOAD_BYTES_FULL");
  EXPECT_EQ(ExceededBounds(status), std::vector<std::string>{"limits.max_in_flight_bytes"});
  ASSERT_TRUE(client_->Cancel(holder).ok());
  MustWait(id);
}

// One core that is held, and behind that 200 ms of work of a handler that has run before.
class DeadlineRefusalTest : public RefusalTest {
 protected:
  void StartWithWork(std::vector<std::string> settings = {}) {
    Start(std::move(settings));
    EXPECT_EQ(MustWait(MustSubmit(Spec("spin", "20ms"))).state(), v1::TASK_STATE_SUCCEEDED);
    queued_ = {HoldTheCore()};
    for (int i = 0; i < 10; ++i) queued_.push_back(MustSubmit(Spec("spin", "20ms")));
  }
  void TearDown() override {
    for (const uint64_t id : queued_) EXPECT_TRUE(client_->Cancel(id).ok());
    RefusalTest::TearDown();
  }
  static v1::TaskSpec Hurried(int64_t timeout_ns) {
    v1::TaskSpec spec = Spec("noop");
    spec.set_timeout_ns(timeout_ns);
    return spec;
  }
  static void ExpectTooLate(const absl::Status& status) {
    ExpectRefused(status, kFull, "WOULD_MISS_DEADLINE", "", "the task would start in ");
    ExpectRefused(status, kFull, "WOULD_MISS_DEADLINE", "", "after its deadline of ");
    ASSERT_EQ(ExceededBounds(status).size(), 1u);
    EXPECT_NE(ExceededBounds(status)[0].find("deadline (core "), std::string::npos);
    const auto delay_ns = RetryDelayNs(status);
    ASSERT_TRUE(delay_ns.has_value());
    EXPECT_GE(*delay_ns, 100'000'000);
  }

  std::vector<uint64_t> queued_;
};

TEST_F(DeadlineRefusalTest, OfATaskThatWouldStartTooLateSaysWhenItWould) {
  StartWithWork();
  ExpectTooLate(client_->Submit(Hurried(1'000'000)).status());
  ExpectTooLate(Run(Hurried(1'000'000)).status());
  // The deadline of a call is its task's.
  ExpectTooLate(client_->Run(RunRequest(Spec("noop")), {.timeout_ns = 50'000'000}).status());
  const uint64_t patient = MustSubmit(Hurried(60'000'000'000));
  const uint64_t without = MustSubmit(Spec("noop"));
  const auto stats = client_->GetStats();
  EXPECT_EQ(stats->tasks().refused(), 3u);
  const std::string metrics = HttpGet(daemon_->web_address(), "/metrics").body;
  EXPECT_NE(metrics.find("weft_dispatch_refused_total{reason=\"would_miss_deadline\"} 3"),
            std::string::npos);
  EXPECT_NE(metrics.find("weft_dispatch_start_error_seconds_count{direction=\"late\"}"),
            std::string::npos);
  EXPECT_NE(metrics.find("weft_dispatch_work_ahead_seconds{core="), std::string::npos);
  queued_.push_back(patient);
  queued_.push_back(without);
}

TEST_F(DeadlineRefusalTest, OfTasksInABatchAndAStreamIsEachItsOwn) {
  StartWithWork();
  v1::SubmitTasksRequest batch;
  *batch.add_specs() = Hurried(1'000'000);
  *batch.add_specs() = Spec("noop");
  const auto answers = client_->SubmitTasks(batch);
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_TRUE(answers->rows(0).has_status());
  ASSERT_TRUE(answers->rows(1).has_accepted());
  queued_.push_back(answers->rows(1).accepted().task_id());
  const auto stream = *client_->OpenStream();
  constexpr uint64_t kRows = 32;  // Enough to go as columns.
  for (uint64_t tag = 1; tag <= kRows; ++tag) {
    v1::TaskSpec spec = tag % 2 == 0 ? Spec("noop") : Hurried(1'000'000);
    spec.set_client_tag(tag);
    ASSERT_TRUE(stream->Send(spec).ok());
  }
  for (uint64_t i = 0; i < kRows / 2; ++i) {
    const auto row = stream->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    EXPECT_EQ(row->client_tag() % 2, 1u);
    ExpectTooLate(RowStatus(*row));
  }
  for (const uint64_t id : queued_) EXPECT_TRUE(client_->Cancel(id).ok());
  queued_.clear();
  while (stream->outstanding() > 0) {
    const auto row = stream->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    ExpectEnded(row->result(), v1::TASK_STATE_SUCCEEDED);
  }
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(DeadlineRefusalTest, IsSparedByPolicyAndTheTaskExpires) {
  StartWithWork({"executor.deadline_policy=queue"});
  const uint64_t id = MustSubmit(Hurried(1'000'000));
  // Only then is what holds it up let go.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  while (std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  for (const uint64_t queued : queued_) EXPECT_TRUE(client_->Cancel(queued).ok());
  queued_.clear();
  ExpectEnded(MustWait(id), v1::TASK_STATE_EXPIRED);
  EXPECT_EQ(client_->GetStats()->tasks().refused(), 0u);
}

TEST_F(DeadlineRefusalTest, NeedsTimes) {
  StartWithWork({"executor.timing_metrics=false"});
  queued_.push_back(MustSubmit(Hurried(1'000'000)));
}

}  // namespace
}  // namespace weft
