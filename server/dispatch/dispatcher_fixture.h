#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/manual_env.h"
#include "dispatch/dispatcher.h"

namespace weft {

// A payload block that tells when it was released.
class TestBlock final : public PayloadBlock {
 public:
  int released = 0;

 private:
  void OnReleased() override { ++released; }
};

// Remembers what it was told, with copies of the views.
class TestReceiver final : public ResultReceiver {
 public:
  void OnResult(const TaskResult& told, bool has_ended) override {
    ++calls;
    result = told;
    output = std::string(told.output);
    error = std::string(told.error_message);
    ended = has_ended;
    if (then) then();
  }

  int calls = 0;
  TaskResult result;
  std::string output;
  std::string error;
  bool ended = false;
  std::function<void()> then;
};

class TestCancelReceiver final : public CancelReceiver {
 public:
  void OnCancelled(CancelOutcome told, TaskState told_state) override {
    ++calls;
    outcome = told;
    state = told_state;
  }

  int calls = 0;
  CancelOutcome outcome = CancelOutcome::kAlreadyEnded;
  TaskState state = TaskState::kQueued;
};

// A dispatcher over cores that are turned by hand, in manual time: one tick is one nanosecond.
class DispatcherFixture : public ::testing::Test, public EntryLookup {
 protected:
  using Body = std::function<TaskOutcome(TaskContext&)>;

  DispatcherFixture() {
    AddHandler("echo", true, [](TaskContext& context) {
      context.OutputIsPayload(context.payload());
      return TaskOutcome::kSucceeded;
    });
    AddHandler("fail", true, [](TaskContext& context) { return context.Fail("as asked"); });
    AddHandler("sleep", false, [](TaskContext& context) {
      return context.SleepFor(1'000'000) == WakeReason::kElapsed ? TaskOutcome::kSucceeded
                                                                 : context.Stop();
    });
    options_.max_queue_depth = 4;
    options_.max_waiters = 4;
    options_.results_max_count = 8;
  }

  void Build(size_t core_count = 1, uint32_t stacks = 4) {
    std::vector<Core<ManualEnv>*> cores;
    for (uint32_t index = 0; index < core_count; ++index) {
      CoreOptions core_options;
      core_options.index = index;
      core_options.cpu = static_cast<int>(10 + index);
      core_options.max_queue_depth = options_.max_queue_depth;
      core_options.stacks = stacks;
      core_options.inbox_capacity = inbox_capacity_;
      core_options.outbox_capacity = outbox_capacity_;
      core_options.handler_count = 8;
      core_options.tasks_max = tasks_max_;
      core_options.timing_metrics = options_.timing_metrics;
      cores_.push_back(
          std::make_unique<Core<ManualEnv>>(core_options, ManualEnv(&now_), doorbell_));
      ASSERT_TRUE(cores_.back()->Prepare().ok());
      cores.push_back(cores_.back().get());
    }
    if (pool_threads_ > 0) {
      CoreOptions pool_options;
      pool_options.index = static_cast<uint32_t>(core_count);
      pool_options.max_queue_depth = options_.blocking_queue_depth;
      pool_options.stacks = pool_threads_;
      pool_options.inbox_capacity = inbox_capacity_;
      pool_options.outbox_capacity = outbox_capacity_;
      pool_options.handler_count = 8;
      pool_options.blocking.threads_max = pool_threads_;
      ManualEnv pool_env(&now_);
      if (thread_starter_) pool_env.set_thread_starter(thread_starter_);
      cores_.push_back(std::make_unique<Core<ManualEnv>>(pool_options, pool_env, doorbell_));
      ASSERT_TRUE(cores_.back()->Prepare().ok());
      cores.push_back(cores_.back().get());
    }
    dispatcher_ = std::make_unique<Dispatcher<ManualEnv>>(options_, cores, *this, env_);
  }

  void AddHandler(const std::string& name, bool never_suspends, Body body) {
    bodies_.push_back(std::move(body));
    TaskEntry entry;
    entry.run = [](void* state, TaskContext& context) {
      return (*static_cast<Body*>(state))(context);
    };
    entry.state = &bodies_.back();
    entry.index = static_cast<uint16_t>(entries_.size());
    entry.never_suspends = never_suspends;
    TaskEntry& added = entries_[name] = entry;
    added.name = entries_.find(name)->first;
  }
  const TaskEntry* Find(std::string_view name) const override {
    const auto found = entries_.find(std::string(name));
    return found == entries_.end() ? nullptr : &found->second;
  }
  std::string_view Nearest(std::string_view) const override { return {}; }

  std::optional<Refusal> Submit(const TaskSpec& spec, const SubmitOptions& submit = {}) {
    return dispatcher_->Submit(spec, "spec", block_, submit, &accepted_);
  }
  // Submits what must be accepted; returns its id.
  TaskId MustSubmit(const TaskSpec& spec, const SubmitOptions& submit = {}) {
    const auto refusal = Submit(spec, submit);
    EXPECT_FALSE(refusal) << refusal->message;
    return accepted_.id;
  }
  // One round of the Door, then of each core, then the Door collects.
  void TurnAll() {
    dispatcher_->Flush();
    for (auto& core : cores_) core->Turn();
    dispatcher_->Collect();
  }
  TaskState StateOf(TaskId id) {
    TaskSummary task;
    EXPECT_FALSE(dispatcher_->Get(id, &task));
    return task.result.state;
  }
  bool Gone(TaskId id) {
    TaskSummary task;
    const auto refusal = dispatcher_->Get(id, &task);
    return refusal && refusal->reason == RefusalReason::kTaskNotFound;
  }
  // Two checks with nothing between them, so that the cores' own counts are compared, too.
  void ExpectPromisesKept() {
    for (int check = 0; check < 3; ++check) {
      now_ += 2'000'000'000;
      dispatcher_->Tick(now_);
    }
    EXPECT_EQ(dispatcher_->Snapshot().promise_violations, 0u);
    const StatsSnapshot stats = dispatcher_->Snapshot();
    EXPECT_EQ(stats.accepted,
              stats.succeeded + stats.failed + stats.cancelled + stats.expired + stats.in_flight);
  }

  DispatchOptions options_;
  uint32_t tasks_max_ = 0;             // Of each core.
  uint32_t pool_threads_ = 0;          // Above 0: a blocking pool comes after the cores.
  sys::ThreadStarter thread_starter_;  // Of the pool; empty: the system's.
  size_t inbox_capacity_ = 64;
  size_t outbox_capacity_ = 64;
  sys::Ticks now_ = 1'000'000;
  ManualEnv env_{&now_};
  Doorbell doorbell_;
  std::deque<Body> bodies_;
  std::map<std::string, TaskEntry> entries_;
  std::vector<std::unique_ptr<Core<ManualEnv>>> cores_;
  std::unique_ptr<Dispatcher<ManualEnv>> dispatcher_;
  TestBlock block_;
  Accepted accepted_;
};

}  // namespace weft
