#include "executor/handler_body.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "executor/fallback_executor.h"
#include "executor/task_entry.h"
#include "sys/io_operation.h"
#include "task/cancel_reason.h"

// Proves that a handler runs to its end in one poll, that what it says reaches the context it was
// given, that it sees cancels and its deadline, and that what would suspend it is answered as not
// supported, by name.
namespace weft {
namespace {

class OuterContext final : public TaskContext {
 public:
  explicit OuterContext(std::string_view payload) : TaskContext(payload, cancel_, kId, true) {}

  void Cancel() { cancel_.Set(kId, CancelReason::kClient); }

  int64_t NowNs() override { return 7; }
  int64_t EventTimeNs() override { return 5; }
  WakeReason SleepFor(int64_t) override { return ++suspensions, WakeReason::kElapsed; }
  WakeReason Yield() override { return ++suspensions, WakeReason::kElapsed; }
  int64_t RunIo(sys::IoOperation&) override { return ++suspensions, 0; }
  WakeReason Park(int64_t) override { return ++suspensions, WakeReason::kElapsed; }
  void Unpark() override {}
  void Interrupt() override {}
  TaskHost& host() override { std::abort(); }  // Nobody asks.

  using TaskContext::alias;
  using TaskContext::error_code;
  using TaskContext::has_output;
  using TaskContext::is_alias;

  std::string output_text;
  std::string error_text;
  bool is_late = false;
  int suspensions = 0;

 private:
  static constexpr TaskId kId{1};
  bool DeadlinePassed() override { return is_late; }
  std::string& OutputBuffer() override { return output_text; }
  std::string& ErrorMessage() override { return error_text; }

  CancelWord cancel_;
};

using HandlerRun = TaskOutcome (*)(void* state, TaskContext& context);

// By way of a twin, as a core does.
TaskOutcome RunTwin(Executor& executor, HandlerRun run, OuterContext& context) {
  const TaskEntry entry = {.run = run, .index = 3, .name = "mine"};
  const ExecutorEntry seat(entry, executor, "fallback");
  EXPECT_TRUE(seat.twin().never_suspends);
  EXPECT_EQ(seat.twin().index, 3);
  return seat.twin().run(seat.twin().state, context);
}

TEST(HandlerBody, PassesOnTheOutputThePayloadAndTheClock) {
  FallbackExecutor executor;
  OuterContext context("abc");
  EXPECT_EQ(RunTwin(
                executor,
                [](void*, TaskContext& c) {
                  c.output() = std::string(c.payload()) + std::to_string(c.NowNs()) +
                               std::to_string(c.EventTimeNs());
                  return TaskOutcome::kSucceeded;
                },
                context),
            TaskOutcome::kSucceeded);
  EXPECT_TRUE(context.has_output());
  EXPECT_EQ(context.output_text, "abc75");
  EXPECT_EQ(executor.turn_count(), 1u);
}

TEST(HandlerBody, PassesOnAnOutputThatIsAPartOfThePayload) {
  FallbackExecutor executor;
  OuterContext context("abc");
  RunTwin(
      executor,
      [](void*, TaskContext& c) {
        c.OutputIsPayload(c.payload().substr(1));
        return TaskOutcome::kSucceeded;
      },
      context);
  ASSERT_TRUE(context.is_alias());
  EXPECT_EQ(context.alias(), "bc");
  EXPECT_FALSE(context.has_output());
}

TEST(HandlerBody, PassesOnAFailureWithItsCode) {
  FallbackExecutor executor;
  OuterContext context("");
  EXPECT_EQ(RunTwin(
                executor,
                [](void*, TaskContext& c) {
                  return c.Fail(TaskErrorCode::kInvalidPayload, "expected a number");
                },
                context),
            TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kInvalidPayload);
  EXPECT_EQ(context.error_text, "expected a number");
}

TEST(HandlerBody, WhatItThrowsIsItsFailureAndToTheExecutorAPanic) {
  FallbackExecutor executor;
  OuterContext context("");
  const TaskEntry entry = {
      .run = [](void*, TaskContext&) -> TaskOutcome { throw std::runtime_error("far"); }};
  HandlerBody body(entry, context, "fallback");
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kTaskPanicked);
  EXPECT_TRUE(body.has_run());
  EXPECT_EQ(body.outcome(), TaskOutcome::kFailed);
  EXPECT_EQ(context.error_code(), TaskErrorCode::kHandlerException);
  EXPECT_EQ(context.error_text, "far");
  EXPECT_EQ(RunTwin(
                executor, [](void*, TaskContext&) -> TaskOutcome { throw 1; }, context),
            TaskOutcome::kFailed);
  EXPECT_EQ(context.error_text, "the handler threw something that is not a std::exception");
}

TEST(HandlerBody, SeesACancelAndTheDeadline) {
  FallbackExecutor executor;
  const HandlerRun run = [](void*, TaskContext& c) {
    return c.ShouldStop() ? c.Stop() : TaskOutcome::kSucceeded;
  };
  OuterContext context("");
  EXPECT_EQ(RunTwin(executor, run, context), TaskOutcome::kSucceeded);
  context.is_late = true;
  EXPECT_EQ(RunTwin(executor, run, context), TaskOutcome::kStopped);
  context.is_late = false;
  context.Cancel();
  EXPECT_EQ(RunTwin(executor, run, context), TaskOutcome::kStopped);
}

// What the handler makes of the answer does not matter.
TEST(HandlerBody, AnswersWhatSuspendsAsNotSupportedByName) {
  struct Case {
    HandlerRun run;
    const char* name;
  };
  const Case cases[] = {{[](void*, TaskContext& c) {
                           EXPECT_EQ(c.SleepFor(1), WakeReason::kCancelled);
                           return c.Stop();
                         },
                         "SleepFor"},
                        {[](void*, TaskContext& c) {
                           EXPECT_EQ(c.Yield(), WakeReason::kCancelled);
                           return TaskOutcome::kSucceeded;
                         },
                         "Yield"},
                        {[](void*, TaskContext& c) {
                           sys::IoOperation operation;
                           EXPECT_EQ(c.RunIo(operation), -ENOSYS);
                           c.SleepFor(1);
                           return c.Fail("no such file");
                         },
                         "file I/O"}};
  for (const Case& one : cases) {
    FallbackExecutor executor;
    OuterContext context("");
    EXPECT_EQ(RunTwin(executor, one.run, context), TaskOutcome::kFailed);
    EXPECT_EQ(context.error_code(), TaskErrorCode::kNotSupported);
    EXPECT_EQ(context.error_text, std::string(one.name) +
                                      " is not supported by the executor \"fallback\" "
                                      "(executor.kind), which runs handlers to their end");
    EXPECT_EQ(context.suspensions, 0);
  }
}

TEST(HandlerBody, NamesWhatAnOperationIsFor) {
  struct Case {
    sys::IoKind kind;
    std::string_view name;
  };
  constexpr Case kCases[] = {
      {sys::IoKind::kOpen, "file I/O"},
      {sys::IoKind::kRead, "file I/O"},
      {sys::IoKind::kDrop, "file I/O"},
      {sys::IoKind::kConnect, "network I/O"},
      {sys::IoKind::kAccept, "network I/O"},
      {sys::IoKind::kReceive, "network I/O"},
      {sys::IoKind::kSend, "network I/O"},
      {sys::IoKind::kReceiveMessage, "network I/O"},
      {sys::IoKind::kSendMessage, "network I/O"},
      {sys::IoKind::kStreamRead, "pipe I/O"},
      {sys::IoKind::kStreamWrite, "pipe I/O"},
      {sys::IoKind::kPoll, "a wait for a descriptor"},
      {sys::IoKind::kSpawn, "starting a process"},
      {sys::IoKind::kResolve, "name lookup"},
  };
  for (const Case& one : kCases) {
    FallbackExecutor executor;
    OuterContext context("");
    sys::IoKind kind = one.kind;
    const TaskEntry entry = {.run =
                                 [](void* state, TaskContext& c) {
                                   sys::IoOperation operation;
                                   operation.kind = *static_cast<sys::IoKind*>(state);
                                   c.RunIo(operation);
                                   return TaskOutcome::kSucceeded;
                                 },
                             .state = &kind};
    HandlerBody body(entry, context, "fallback");
    EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
    EXPECT_EQ(body.outcome(), TaskOutcome::kFailed);
    EXPECT_EQ(context.error_text, std::string(one.name) +
                                      " is not supported by the executor \"fallback\" "
                                      "(executor.kind), which runs handlers to their end");
  }
}

TEST(HandlerBody, AnExecutorThatTakesNoTaskIsNamedInTheFailure) {
  FallbackExecutor executor;
  executor.Shutdown();
  OuterContext context("");
  EXPECT_EQ(RunTwin(
                executor, [](void*, TaskContext&) { return TaskOutcome::kSucceeded; }, context),
            TaskOutcome::kFailed);
  EXPECT_EQ(context.error_text, "the executor \"fallback\" did not run it: NOT_RUNNING");
}

}  // namespace
}  // namespace weft
