#pragma once

#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "sys/fd.h"
#include "sys/thread.h"

namespace weft {

// Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and all it will start, and ignores
// SIGPIPE. Call it before any thread is started: signals are then only ever seen by SignalWatcher.
void BlockSignals();

// A thread that waits for the signals that BlockSignals blocked. Owned by the daemon.
class SignalWatcher {
 public:
  // on_signal gets SIGTERM, SIGINT or SIGHUP, on the watcher's thread, one at a time.
  explicit SignalWatcher(std::function<void(int)> on_signal);
  // Waits for a running on_signal; signals that come later stay pending.
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  // Once; until then signals stay pending. As sys::StartThread.
  absl::Status Start();

 private:
  void Run();

  const std::function<void(int)> on_signal_;
  sys::Fd signals_;
  sys::Fd stop_;  // An eventfd that is written once.
  std::optional<sys::Thread> thread_;
};

}  // namespace weft
