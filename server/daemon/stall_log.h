#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/log.h"
#include "dispatch/stall_observer.h"
#include "sys/thread.h"

namespace weft {

// Names in the log each handler that held a core for too long, from a thread of its own: whoever
// reads the log may be slow, and the Door must not wait for it. Owned by the daemon. Bounded to one
// line a CPU that is not yet written; a newer stall takes its place. Every stall is counted by the
// Dispatcher, in weft_dispatch_stalls_total.
class StallLog final : public StallObserver {
 public:
  // log outlives this. handler_names: by TaskEntry::index. threshold_ms: only told.
  StallLog(std::vector<std::string> handler_names, uint32_t threshold_ms, Log& log);
  // Writes what is pending.
  ~StallLog() override;

  // Once; until then stalls only wait to be written. As sys::StartThread.
  absl::Status Start();

  // Any thread. What is told as the threshold from now on.
  void set_threshold_ms(uint32_t threshold_ms) { threshold_ms_.store(threshold_ms); }

  void OnStall(int cpu, const TaskEntry& entry, int64_t held_ns) override;

 private:
  struct Stall {
    int cpu = 0;
    uint32_t handler = 0;
    int64_t held_ns = 0;
  };

  void Run();

  const std::vector<std::string> handler_names_;
  std::atomic<uint32_t> threshold_ms_;
  Log& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Stall> pending_;
  bool stop_ = false;
  std::optional<sys::Thread> thread_;
};

}  // namespace weft
