#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/core.h"
#include "core/stall_detector.h"
#include "daemon/log.h"
#include "metrics/cell.h"
#include "metrics/metric_source.h"
#include "sys/prod_env.h"

namespace weft {

// A thread that looks at every core four times per threshold, and logs and counts each handler that
// holds its core for longer. Owned by the daemon.
class StallWatch final : public MetricSource {
 public:
  using Cores = std::vector<const Core<sys::ProdEnv>*>;

  // All of it outlives the watch. handler_names: by TaskEntry::index.
  StallWatch(Cores cores, std::vector<std::string> handler_names, int64_t threshold_ns,
             const sys::ProdEnv& env, Log& log);
  ~StallWatch() override;

  // Any thread.
  void Collect(MetricWriter& writer) const override;

 private:
  void Run();
  void LookAtAll();

  const Cores cores_;
  const std::vector<std::string> handler_names_;
  const int64_t threshold_ns_;
  const sys::ProdEnv& env_;
  Log& log_;
  StallDetector detector_;
  std::vector<Counter> stalls_;  // By core.
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace weft
