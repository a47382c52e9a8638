// A program that brings an executor of its own and registers it before the first use: whoever asks
// for the current one from then on, be it a library that knows nothing of it, runs tasks there.
#include <cstdio>
#include <future>
#include <string>
#include <thread>

#include "executor/coroutine_body.h"
#include "executor/future_bridge.h"
#include "executor/registry.h"
#include "executor/run_on.h"
#include "thread_executor.h"

namespace {

using weft::RegisterAnswer;

int failures = 0;

void Say(const char* what, bool holds) {
  std::printf("%s: %s\n", what, holds ? "yes" : "NO");
  if (!holds) ++failures;
}

// Knows the registry and nothing else.
weft::CoroutineTask<int> Library() {
  co_await weft::SleepFor(1'000'000);
  co_return co_await weft::RunOn(weft::ProcessExecutors().Current(), [] { return 6; }) * 7;
}

}  // namespace

int main() {
  own::ThreadExecutor mine;
  own::ThreadExecutor other;
  weft::ExecutorRegistry& registry = weft::ProcessExecutors();

  Say("at first it is the fallback", registry.IsUsingFallback());
  Say("mine is registered", registry.Register(mine) == RegisterAnswer::kRegistered);
  Say("a second one is refused", registry.Register(other) == RegisterAnswer::kAlreadyRegistered);
  Say("it is the fallback no more", !registry.IsUsingFallback());

  weft::Executor& current = registry.Current();
  const std::thread::id here = std::this_thread::get_id();
  Say("a task runs elsewhere",
      weft::SpawnForFuture(current, [] { return std::this_thread::get_id(); }).get() != here);
  Say("a coroutine runs", weft::SpawnForFuture(current, Library()).get() == 42);
  Say("nobody else polls it", current.PollOnce().error == weft::ExecutorError::kNotSupported);
  Say("it ends", mine.Shutdown() == weft::ExecutorError::kNone);
  try {
    weft::SpawnForFuture(current, [] {}).get();
    Say("a task after the end is refused", false);
  } catch (const weft::ExecutorFailure& failure) {
    Say("a task after the end is refused", failure.error() == weft::ExecutorError::kNotRunning);
  }

  // Somebody who asks first is given the fallback, and then it is too late.
  weft::ExecutorRegistry late;
  late.Current();
  Say("one that comes late is refused", late.Register(other) == RegisterAnswer::kTooLate);
  return failures == 0 ? 0 : 1;
}
