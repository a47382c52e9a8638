#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "daemon/service_report.h"
#include "sys/thread.h"

namespace weft {

// The thread that keeps the service manager informed: reads what the daemon does and ticks the
// report, at least once a second. Owned by the daemon, which has one only when a manager listens.
class NotifyThread {
 public:
  // read: called on this thread, must not block.
  NotifyThread(ServiceReport report, std::function<ServiceReading()> read);
  ~NotifyThread();
  NotifyThread(const NotifyThread&) = delete;
  NotifyThread& operator=(const NotifyThread&) = delete;

  // Once. As sys::StartThread.
  absl::Status Start();

  // Any thread. Ticks soon: something has changed that the manager should know at once.
  void Hurry();

 private:
  void Run();

  ServiceReport report_;
  const std::function<ServiceReading()> read_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hurry_ = false;
  bool stop_ = false;
  std::optional<sys::Thread> thread_;
};

}  // namespace weft
