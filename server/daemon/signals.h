#pragma once

#include <functional>
#include <thread>

#include "sys/fd.h"

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

 private:
  void Run();

  const std::function<void(int)> on_signal_;
  sys::Fd signals_;
  sys::Fd stop_;  // An eventfd that is written once.
  std::thread thread_;
};

}  // namespace weft
