#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
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
//
// Cores that are named and not there: the last of those not yet written, and kMostLines in
// kWindowNs; a line tells how many were left out since the one before. All are counted by the
// Dispatcher, in weft_dispatch_core_out_of_range_total.
//
// Cores that are parked or taken in again: a line each, up to kMostChanges that are not yet
// written; a line tells how many were left out since the one before.
class DispatchLog final : public DispatchObserver, public MetricSource {
 public:
  static constexpr uint64_t kMostLines = 10;
  static constexpr int64_t kWindowNs = 10'000'000'000;
  static constexpr size_t kMostChanges = 64;

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
  void OnAbsentCore(uint32_t core, std::string_view field) override;
  void OnCoreChange(const CoreChange& change) override;

  // Any thread.
  void Collect(MetricWriter& writer) const override;

 private:
  // What waits to be written.
  struct Pending {
    std::vector<Stall> stalls;
    std::vector<uint16_t> demoted;  // Handlers, each once.
    uint64_t absent_cores = 0;      // Requests that named one; of the last of them:
    uint32_t absent_core = 0;
    std::string absent_field;
    std::vector<CoreChange> changes;
    uint64_t changes_left_out = 0;

    bool empty() const {
      return stalls.empty() && demoted.empty() && absent_cores == 0 && changes.empty();
    }
  };

  void Run();
  void Write(const Pending& pending);
  void Write(const Stall& stall);
  void WriteAbsentCore(const Pending& pending);
  void WriteChanges(const Pending& pending);

  const Options options_;
  Log& log_;
  LineLimit limit_{kMostLines, kWindowNs};  // The log's thread only, as the next two.
  LineLimit absent_limit_{kMostLines, kWindowNs};
  uint64_t absent_left_out_ = 0;  // Since the last line.
  std::mutex mutex_;
  std::condition_variable changed_;
  Pending pending_;
  uint64_t replaced_ = 0;  // Stalls of those pending, by newer ones.
  bool stop_ = false;
  Counter traced_;
  Counter untraced_;
  Counter left_out_;
  std::optional<sys::Thread> thread_;
};

}  // namespace weft
