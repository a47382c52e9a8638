#include "executor/handler_body.h"

#include <cerrno>
#include <exception>
#include <string>

#include "sys/io_operation.h"
#include "task/cancel_reason.h"
#include "task/task_id.h"

namespace weft {
namespace {

// What a handler that asks for it would say it does.
const char* WordFor(sys::IoKind kind) {
  switch (kind) {
    case sys::IoKind::kConnect:
    case sys::IoKind::kAccept:
    case sys::IoKind::kReceive:
    case sys::IoKind::kSend:
    case sys::IoKind::kReceiveMessage:
    case sys::IoKind::kSendMessage:
      return "network I/O";
    case sys::IoKind::kStreamRead:
    case sys::IoKind::kStreamWrite:
      return "pipe I/O";
    case sys::IoKind::kPoll:
      return "a wait for a descriptor";
    case sys::IoKind::kSpawn:
      return "starting a process";
    case sys::IoKind::kResolve:
      return "name lookup";
    default:
      return "file I/O";
  }
}

// Passes on what needs no suspension, and notes the first call that does.
class PolledContext final : public TaskContext {
 public:
  // Whether to stop is the outer one's affair: a deadline is claimed so that DeadlinePassed is
  // asked.
  explicit PolledContext(TaskContext& outer)
      : TaskContext(outer.payload(), kNeverSet, TaskId{}, /*has_deadline=*/true), outer_(outer) {
    ListenAs(outer);
  }

  int64_t NowNs() override { return outer_.NowNs(); }
  int64_t EventTimeNs() override { return outer_.EventTimeNs(); }
  WakeReason SleepFor(int64_t /*duration_ns*/) override { return Refuse("SleepFor"); }
  WakeReason Yield() override { return Refuse("Yield"); }
  WakeReason Park(int64_t /*until_ns*/) override { return Refuse("a wait"); }
  void Unpark() override {}
  void Interrupt() override {}
  TaskHost& host() override { return outer_.host(); }
  int64_t RunIo(sys::IoOperation& operation) override {
    Refuse(WordFor(operation.kind));
    return -ENOSYS;
  }

  // What was asked for that the executor does not support; null: nothing.
  const char* refused() const { return refused_; }

  // Has the outer context told what the handler told this one.
  TaskOutcome PassOn(TaskOutcome outcome) {
    if (error_code() != TaskErrorCode::kNone) return outer_.Fail(error_code(), error_message_);
    if (is_alias()) outer_.OutputIsPayload(alias());
    return outcome;
  }

 private:
  static constinit const CancelWord kNeverSet;

  WakeReason Refuse(const char* what) {
    if (refused_ == nullptr) refused_ = what;
    return WakeReason::kCancelled;
  }
  bool DeadlinePassed() override { return outer_.ShouldStop(); }
  std::string& OutputBuffer() override { return outer_.output(); }
  std::string& ErrorMessage() override { return error_message_; }

  TaskContext& outer_;
  std::string error_message_;
  const char* refused_ = nullptr;
};

constinit const CancelWord PolledContext::kNeverSet;

}  // namespace

HandlerBody::HandlerBody(const TaskEntry& entry, TaskContext& context, std::string_view executor)
    : TaskBody{.poll = &Poll}, entry_(entry), context_(context), executor_(executor) {}

BodyStep HandlerBody::Poll(TaskBody& self, const BodyContext& /*context*/) {
  return static_cast<HandlerBody&>(self).Run();
}

BodyStep HandlerBody::Run() {
  has_run_ = true;
  try {
    PolledContext context(context_);
    outcome_ = context.PassOn(entry_.run(entry_.state, context));
    if (context.refused() != nullptr) outcome_ = FailUnsupported(context.refused());
    return BodyStep::Done();
  } catch (const std::exception& error) {
    outcome_ = context_.Fail(TaskErrorCode::kHandlerException, error.what());
  } catch (...) {
    outcome_ = context_.Fail(TaskErrorCode::kHandlerException,
                             "the handler threw something that is not a std::exception");
  }
  return BodyStep::Panicked();
}

TaskOutcome HandlerBody::FailUnsupported(std::string_view what) {
  std::string message(what);
  message.append(" is not supported by the executor \"").append(executor_);
  message.append("\" (executor.kind), which runs handlers to their end");
  return context_.Fail(TaskErrorCode::kNotSupported, message);
}

ExecutorEntry::ExecutorEntry(const TaskEntry& entry, Executor& executor, std::string_view name)
    : entry_(entry), executor_(executor), name_(name), twin_(entry) {
  twin_.run = &Run;
  twin_.state = this;
  twin_.never_suspends = true;
}

TaskOutcome ExecutorEntry::Run(void* state, TaskContext& context) {
  const auto& self = *static_cast<const ExecutorEntry*>(state);
  HandlerBody body(self.entry_, context, self.name_);
  const ExecutorError error = self.executor_.BlockOn(body);
  if (body.has_run()) return body.outcome();
  std::string message("the executor \"");
  message.append(self.name_).append("\" did not run it: ").append(ExecutorErrorName(error));
  return context.Fail(TaskErrorCode::kHandlerFailed, message);
}

}  // namespace weft
