#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/daemon_process.h"
#include "weft/status_details.h"

namespace weft {

// A daemon with one core, and a client of it. At the end of every test the daemon's counts must add
// up, nothing it promised may have been broken, and SIGTERM must end it with exit code 0.
class DaemonTest : public testing::Test {
 protected:
  void Start(std::vector<std::string> settings = {}) {
    settings.insert(settings.begin(), "executor.worker_threads=1");
    daemon_ = std::make_unique<DaemonProcess>(DaemonProcess::Options{.settings = settings});
    // Thrown, so that no test goes on without a client.
    if (!daemon_->WaitReady()) throw std::runtime_error("no daemon to test");
    client_ = daemon_->Connect();
  }

  void TearDown() override {
    if (daemon_ == nullptr || !daemon_->IsRunning()) return;
    ExpectConserved();
    client_.reset();
    const ProcessEnd end = daemon_->Terminate();
    EXPECT_EQ(end.exit_code, 0) << "signal " << end.signal << "\n" << daemon_->Log();
    EXPECT_EQ(daemon_->LastCounts()["in_flight"], 0u);
  }

  void ExpectConserved() {
    const auto stats = client_->GetStats();
    ASSERT_TRUE(stats.ok()) << stats.status();
    const v1::TaskCounts& tasks = stats->tasks();
    EXPECT_EQ(tasks.accepted(), tasks.succeeded() + tasks.failed() + tasks.cancelled() +
                                    tasks.expired() + tasks.in_flight());
    EXPECT_EQ(stats->promise_violations(), 0u);
  }

  static v1::TaskSpec Spec(std::string_view handler, std::string_view payload = "") {
    v1::TaskSpec spec;
    spec.set_handler(std::string(handler));
    spec.set_payload(std::string(payload));
    return spec;
  }
  static v1::RunTaskRequest RunRequest(const v1::TaskSpec& spec) {
    v1::RunTaskRequest request;
    *request.mutable_spec() = spec;
    return request;
  }

  absl::StatusOr<v1::TaskResult> Run(const v1::TaskSpec& spec) {
    return client_->Run(RunRequest(spec));
  }
  uint64_t MustSubmit(const v1::TaskSpec& spec) {
    const auto submitted = client_->Submit(spec);
    EXPECT_TRUE(submitted.ok()) << submitted.status();
    return submitted.ok() ? submitted->task_id() : 0;
  }
  v1::TaskResult MustWait(uint64_t id) {
    const auto result = client_->Wait(id);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : v1::TaskResult();
  }
  // Asks until the task is in the state.
  void AwaitState(uint64_t id, v1::TaskState state) {
    for (;;) {
      const auto task = client_->Get(id);
      ASSERT_TRUE(task.ok()) << task.status();
      if (task->state() == state) return;
      ASSERT_LE(task->state(), v1::TASK_STATE_SUSPENDED) << "has ended: " << task->DebugString();
    }
  }
  // A task that keeps the one core busy until it is cancelled.
  uint64_t HoldTheCore() {
    const uint64_t id = MustSubmit(Spec("spin", "60s"));
    AwaitState(id, v1::TASK_STATE_RUNNING);
    return id;
  }
  void Cancel(uint64_t id, v1::CancelOutcome expected) {
    const auto cancelled = client_->Cancel(id);
    ASSERT_TRUE(cancelled.ok()) << cancelled.status();
    EXPECT_EQ(cancelled->outcome(), expected);
  }

  // What every result that has ended must keep, whatever it is.
  static void ExpectEnded(const v1::TaskResult& result, v1::TaskState state) {
    EXPECT_EQ(result.state(), state) << result.DebugString();
    EXPECT_NE(result.task_id(), 0u);
    EXPECT_EQ(result.success(), state == v1::TASK_STATE_SUCCEEDED);
    EXPECT_EQ(result.has_error(), state != v1::TASK_STATE_SUCCEEDED);
    EXPECT_EQ(result.total_latency_ns(), result.completed_at_ns() - result.submitted_at_ns());
    EXPECT_EQ(result.total_latency_ns(), result.queue_latency_ns() + result.execution_latency_ns());
    EXPECT_GE(result.queue_latency_ns(), 0);
    EXPECT_GE(result.execution_latency_ns(), 0);
    EXPECT_GE(result.suspended_ns(), 0);
    EXPECT_LE(result.suspended_ns(), result.execution_latency_ns());
    EXPECT_GE(result.off_core_ns(), 0);
    EXPECT_LE(result.off_core_ns(), result.execution_latency_ns() - result.suspended_ns());
    if (result.attempts() == 0) {
      EXPECT_EQ(result.started_at_ns(), 0);
      EXPECT_EQ(result.execution_latency_ns(), 0);
      return;
    }
    EXPECT_EQ(result.attempts(), 1u);
    EXPECT_EQ(result.queue_latency_ns(), result.started_at_ns() - result.submitted_at_ns());
    EXPECT_EQ(result.execution_latency_ns(), result.completed_at_ns() - result.started_at_ns());
  }

  // A refusal by the daemon: code, reason and, when named, the field and part of the message.
  static void ExpectRefused(const absl::Status& status, absl::StatusCode code,
                            const std::string& reason, const std::string& field = "",
                            const std::string& text = "") {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ErrorReason(status), reason) << status;
    EXPECT_NE(status.message().find(text), absl::string_view::npos) << status;
    if (field.empty()) return;
    const std::vector<FieldViolation> violations = FieldViolations(status);
    ASSERT_EQ(violations.size(), 1u) << status;
    EXPECT_EQ(violations[0].field, field);
    EXPECT_NE(violations[0].description.find(text), std::string::npos);
  }

  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<Client> client_;
};

}  // namespace weft
