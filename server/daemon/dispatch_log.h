#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/line_limit.h"
#include "daemon/log.h"
#include "dispatch/dispatch_observer.h"
#include "metrics/cell.h"
#include "metrics/metric_source.h"
#include "sys/thread.h"

namespace weft {

// Tells in the log what the Dispatcher notices, from a thread of its own: whoever reads the log may
// be slow, and the Door must not wait for it. Owned by the daemon.
//
// Stalls: names each handler that held a core, or a thread of the blocking pool, for too long, with
// the stack of that thread. Bounded to one line a core and one a thread of the pool that is not yet
// written, in whose place a newer stall goes, and to kMostLines in kWindowNs; each demotion has a
// line of its own; what is left out is counted. Every stall is counted by the Dispatcher, in
// weft_dispatch_stalls_total.
class DispatchLog final : public DispatchObserver, public MetricSource {
 public:
  static constexpr uint64_t kMostLines = 10;
  static constexpr int64_t kWindowNs = 10'000'000'000;

  struct Options {
    std::vector<std::string> handler_names;  // By TaskEntry::index.
    // Where that thread of the process is, as sys::DescribeStack writes it; empty: not to be had.
    std::function<std::string(int thread_id)> trace;
    // Whether it is the same hold still, so that what was traced belongs to it.
    std::function<bool(const Stall&)> lasts;
    std::function<int64_t()> now_ns;  // Of a clock that never goes back.
  };

  // log outlives this.
  DispatchLog(Options options, Log& log);
  // Writes what is pending.
  ~DispatchLog() override;

  // Once; until then stalls only wait to be written. As sys::StartThread.
  absl::Status Start();

  void OnStall(const Stall& stall) override;
  void OnDemoted(const TaskEntry& entry) override;

  // Any thread.
  void Collect(MetricWriter& writer) const override;

 private:
  void Run();
  void Write(const Stall& stall);

  const Options options_;
  Log& log_;
  LineLimit limit_{kMostLines, kWindowNs};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Stall> pending_;
  uint64_t replaced_ = 0;          // Of those pending, by newer ones.
  std::vector<uint16_t> demoted_;  // Handlers, each once; not yet written.
  bool stop_ = false;
  Counter traced_;
  Counter untraced_;
  Counter left_out_;
  std::optional<sys::Thread> thread_;
};

}  // namespace weft
