#include "daemon/stall_watch.h"

#include <pthread.h>

#include <chrono>
#include <optional>
#include <utility>

namespace weft {

StallWatch::StallWatch(Cores cores, std::vector<std::string> handler_names, int64_t threshold_ns,
                       const sys::ProdEnv& env, Log& log)
    : cores_(std::move(cores)),
      handler_names_(std::move(handler_names)),
      threshold_ns_(threshold_ns),
      env_(env),
      log_(log),
      detector_(cores_.size(), env.anchor().NsToTicks(threshold_ns)),
      stalls_(cores_.size()),
      thread_([this] { Run(); }) {}

StallWatch::~StallWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_one();
  thread_.join();
}

void StallWatch::Run() {
  pthread_setname_np(pthread_self(), "weft-stalls");
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, std::chrono::nanoseconds(threshold_ns_ / 4),
                            [this] { return stop_; })) {
    LookAtAll();
  }
}

void StallWatch::LookAtAll() {
  for (size_t i = 0; i < cores_.size(); ++i) {
    const RunningHandler running = cores_[i]->running();
    const std::optional<sys::Ticks> held = detector_.Look(i, running, env_.Now());
    if (!held.has_value()) continue;
    stalls_[i].Add();
    log_.Warn("handler_holds_core", {{"handler", handler_names_[running.entry->index]},
                                     {"cpu", cores_[i]->options().cpu},
                                     {"held_ms", env_.anchor().TicksToNs(*held) / 1'000'000},
                                     {"threshold_ms", threshold_ns_ / 1'000'000}});
  }
}

void StallWatch::Collect(MetricWriter& writer) const {
  for (size_t i = 0; i < cores_.size(); ++i) {
    writer.WriteCounter({"weft_daemon_core_stalls_total",
                         "Times a handler held its core beyond executor.stall_threshold_ms."},
                        {{"cpu", std::to_string(cores_[i]->options().cpu)}},
                        static_cast<double>(stalls_[i].value()));
  }
}

}  // namespace weft
