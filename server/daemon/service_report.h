#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/drain.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/watchdog.h"

namespace weft {

// What the daemon does at one moment, as any thread may see it.
struct ServiceReading {
  DrainPhase phase = DrainPhase::kStarting;
  uint64_t ended = 0;         // Tasks, since the start.
  uint64_t in_flight = 0;     // Tasks.
  int64_t stop_limit_ns = 0;  // The longest that a drain and the end after it may take.
  LifeSign door;
  std::vector<LifeSign> cores;
  std::optional<LifeSign> pool;  // Of the blocking pool's own thread.
};

// "ready: 2 cores, 12 in flight, 34,567/s", or "draining: 12 in flight", or "ended".
std::string StatusText(const ServiceReading& reading, uint64_t ended_per_s);

// What the service manager is told while the daemon runs: a status that is current, that the drain
// has begun, and that all is well. One thread only.
class ServiceReport {
 public:
  struct Options {
    int64_t watchdog_interval_ns = 0;  // 0: nobody watches.
    std::vector<int> cpus;             // Of each core; only told.
  };

  static constexpr int64_t kLongestTickNs = 1'000'000'000;

  // notifier and log outlive this. log: gets a line when the watchdog is no longer fed.
  ServiceReport(Options options, const Notifier& notifier, Log& log);

  // How far apart the ticks have to be: a quarter of the watchdog's interval, at most a second.
  int64_t tick_ns() const;

  // now_ns: of CLOCK_MONOTONIC. Sends READY and STOPPING once each, the status when it differs from
  // the last and that is a second old, and feeds the watchdog unless a thread is stuck.
  void Tick(const ServiceReading& reading, int64_t now_ns);

 private:
  void Watch(const ServiceReading& reading);
  bool TellPhase(const ServiceReading& reading);
  void TellStatus(const ServiceReading& reading, int64_t now_ns);
  std::string ThreadName(size_t thread) const;

  const Options options_;
  const Notifier& notifier_;
  Log& log_;
  Watchdog watchdog_;
  std::vector<LifeSign> signs_;
  std::optional<size_t> stuck_;
  bool told_ready_ = false;
  bool told_stopping_ = false;
  std::string told_;
  uint64_t told_ended_ = 0;
  int64_t told_at_ns_ = 0;
};

}  // namespace weft
