#include "daemon/stall_log.h"

#include <algorithm>
#include <utility>

namespace weft {

StallLog::StallLog(std::vector<std::string> handler_names, uint32_t threshold_ms, Log& log)
    : handler_names_(std::move(handler_names)), threshold_ms_(threshold_ms), log_(log) {}

StallLog::~StallLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.reset();
}

absl::Status StallLog::Start() {
  return sys::StartThread(&thread_, {.name = "weft-stalls"}, [this] { Run(); });
}

void StallLog::OnStall(int cpu, const TaskEntry& entry, int64_t held_ns) {
  const Stall stall = {cpu, entry.index, held_ns};
  {
    const std::lock_guard lock(mutex_);
    const auto older = std::find_if(pending_.begin(), pending_.end(),
                                    [cpu](const Stall& other) { return other.cpu == cpu; });
    if (older == pending_.end()) {
      pending_.push_back(stall);
    } else {
      *older = stall;
    }
  }
  changed_.notify_one();
}

void StallLog::Run() {
  std::vector<Stall> stalls;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !pending_.empty(); });
    if (pending_.empty()) return;
    stalls.swap(pending_);
    lock.unlock();
    for (const Stall& stall : stalls) {
      log_.Warn("handler_holds_core", {{"handler", handler_names_[stall.handler]},
                                       {"cpu", stall.cpu},
                                       {"held_ms", stall.held_ns / 1'000'000},
                                       {"threshold_ms", threshold_ms_.load()}});
    }
    stalls.clear();
    lock.lock();
  }
}

}  // namespace weft
