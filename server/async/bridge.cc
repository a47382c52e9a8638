#include "async/bridge.h"

#include <algorithm>
#include <exception>

#include "absl/strings/str_cat.h"
#include "async/body_place.h"
#include "async/frame_home.h"
#include "executor/poll_guarded.h"

namespace weft {
namespace bridge_internal {
namespace {

static_assert(kPollOnWake == kNoEnd, "what waits for a wake alone waits without end");

// Why the next poll is the last; kDone: it need not be.
WaitResult ReasonToStop(TaskContext& context, int64_t now_ns, int64_t until_ns) {
  if (context.CancelRequested()) return WaitResult::kCancelled;
  if (context.ShouldStop()) return WaitResult::kDeadline;
  return now_ns >= until_ns ? WaitResult::kElapsed : WaitResult::kDone;
}

// From one poll to the next: kDone, or why that is the last. A body that is woken by its own polls
// lets others go first, too.
WaitResult AwaitNextPoll(TaskContext& context, BodyPlace& place, bool is_at_once,
                         int64_t poll_at_ns, int64_t until_ns) {
  if (is_at_once || place.is_woken()) {
    const WakeReason reason = context.Yield();
    return reason == WakeReason::kElapsed ? WaitResult::kDone : WaitResultOf(reason);
  }
  const WaitResult waited = place.Wait(context, std::min(poll_at_ns, until_ns));
  return waited == WaitResult::kElapsed && poll_at_ns < until_ns ? WaitResult::kDone : waited;
}

BodyEnd PollToTheEnd(TaskContext& context, TaskBody& body, BodyPlace& place, int64_t until_ns) {
  WaitResult reason = WaitResult::kDone;
  for (;;) {
    place.BeginPoll();
    const int64_t now_ns = context.NowNs();
    if (reason == WaitResult::kDone) reason = ReasonToStop(context, now_ns, until_ns);
    const BodyContext poll = {
        .now_ns = now_ns, .should_stop = reason != WaitResult::kDone, .waker = place.waker()};
    const BodyStep step = PollGuarded(body, poll);
    if (step.kind == BodyStep::Kind::kDone) return {ExecutorError::kNone};
    if (step.kind == BodyStep::Kind::kPanicked) return {ExecutorError::kTaskPanicked};
    if (poll.should_stop) return {ExecutorError::kNotRunning, reason};
    reason = AwaitNextPoll(context, place, step.poll_at_ns <= now_ns, step.poll_at_ns, until_ns);
  }
}

}  // namespace

BodyEnd RunUntil(TaskContext& context, TaskBody& body, int64_t until_ns) {
  FrameHome* const home = context.host().frames();
  if (home == nullptr) return {ExecutorError::kNotSupported};
  BodyPlace& place = home->body_places().Take();
  const BodyEnd end = PollToTheEnd(context, body, place, until_ns);
  home->body_places().GiveBack(place);
  if (body.ended != nullptr) body.ended(body, end.error);
  return end;
}

absl::Status StatusOf(BodyEnd end) {
  switch (end.error) {
    case ExecutorError::kNone:
    case ExecutorError::kTaskPanicked:
      return absl::OkStatus();
    case ExecutorError::kNotRunning:
      if (end.reason == WaitResult::kCancelled) {
        return absl::CancelledError("whoever awaited was asked to stop");
      }
      return absl::DeadlineExceededError("what was awaited has not come yet");
    case ExecutorError::kOutOfResources:
    case ExecutorError::kNotSupported:
      break;
  }
  return absl::UnimplementedError("this executor does not spawn tasks for tasks");
}

std::string ThrownText() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is not a std::exception";
  }
}

absl::Status ThrownStatus() {
  return absl::InternalError(absl::StrCat("what was awaited threw: ", ThrownText()));
}

}  // namespace bridge_internal

ExecutorError RunBody(TaskContext& context, TaskBody& body, int64_t until_ns) {
  return bridge_internal::RunUntil(context, body, until_ns).error;
}

}  // namespace weft
