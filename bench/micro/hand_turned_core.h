#pragma once

#include <cstdint>
#include <memory>

#include "core/core.h"
#include "sys/clock.h"
#include "sys/io_system.h"
#include "sys/prod_env.h"

namespace weft::bench {

// The core as weftd runs it, with weftd's own bounds, levels, budget, statistics and cells of the
// stall detector, turned by the calling thread. Its tasks are the core's own.
class HandTurnedCore {
 public:
  struct Options {
    bool is_timed = true;            // executor.timing_metrics.
    sys::IoSystem* rings = nullptr;  // Outlives the core; null: no file I/O.
  };

  HandTurnedCore(const sys::Clock& clock, const Options& options) {
    CoreOptions core;
    core.handler_count = 1;
    core.timing_metrics = options.is_timed;
    core_ = std::make_unique<Core<sys::ProdEnv>>(core, sys::ProdEnv(clock.anchor(), options.rings),
                                                 doorbell_);
    is_prepared_ = core_->Prepare().ok();
    if (is_prepared_) core_->TakeThread();
  }

  // At most CoreOptions::local_slots at once.
  void Spawn(const TaskEntry& entry) {
    spawned_ += core_->Spawn(entry, {}, Priority::kNormal) == SpawnAnswer::kSpawned ? 1 : 0;
  }
  void Turn() { core_->Turn(); }
  // Turns until every task has ended.
  void Finish() {
    while (executed() < spawned_) Turn();
  }

  bool is_prepared() const { return is_prepared_; }
  uint64_t executed() const { return core_->stats().executed(); }
  uint64_t suspensions() const { return core_->stats().suspensions.value(); }

 private:
  Doorbell doorbell_;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
  bool is_prepared_ = false;
  uint64_t spawned_ = 0;
};

}  // namespace weft::bench
