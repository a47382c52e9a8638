#include "daemon/service_report.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

constexpr int64_t kStatusNs = 1'000'000'000;
constexpr int kTicksPerInterval = 4;

// Half the watchdog's interval in looks, so that a stuck thread ends the daemon within one interval
// and a half.
int PatienceLooks(int64_t interval_ns, int64_t tick_ns) {
  return std::max(1, static_cast<int>(interval_ns / 2 / tick_ns));
}

int64_t TickNs(int64_t interval_ns) {
  if (interval_ns == 0) return ServiceReport::kLongestTickNs;
  return std::clamp(interval_ns / kTicksPerInterval, int64_t{1}, ServiceReport::kLongestTickNs);
}

std::string Grouped(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

}  // namespace

std::string StatusText(const ServiceReading& reading, uint64_t ended_per_s) {
  const std::string in_flight = Grouped(reading.in_flight) + " in flight";
  switch (reading.phase) {
    case DrainPhase::kStarting:
      return "starting";
    case DrainPhase::kRunning:
      return absl::StrCat("ready: ", reading.cores.size(),
                          reading.cores.size() == 1 ? " core, " : " cores, ", in_flight, ", ",
                          Grouped(ended_per_s), "/s");
    case DrainPhase::kDraining:
      return absl::StrCat("draining: ", in_flight);
    case DrainPhase::kEnded:
      return "ended";
  }
  return "";
}

ServiceReport::ServiceReport(Options options, const Notifier& notifier, Log& log)
    : options_(std::move(options)),
      notifier_(notifier),
      log_(log),
      watchdog_(PatienceLooks(options_.watchdog_interval_ns, tick_ns())) {}

int64_t ServiceReport::tick_ns() const { return TickNs(options_.watchdog_interval_ns); }

void ServiceReport::Tick(const ServiceReading& reading, int64_t now_ns) {
  Watch(reading);
  if (TellPhase(reading)) {
    told_ = StatusText(reading, 0);
    told_at_ns_ = now_ns;
    told_ended_ = reading.ended;
  } else {
    TellStatus(reading, now_ns);
  }
}

// Before the start is over and once the Door has ended nothing has to turn; the manager has limits
// of its own for how long a start and a stop may take.
void ServiceReport::Watch(const ServiceReading& reading) {
  if (options_.watchdog_interval_ns == 0) return;
  if (reading.phase == DrainPhase::kStarting || reading.phase == DrainPhase::kEnded) {
    stuck_.reset();
    notifier_.FeedWatchdog();
    return;
  }
  signs_.assign(1, reading.door);
  signs_.insert(signs_.end(), reading.cores.begin(), reading.cores.end());
  if (reading.pool) signs_.push_back(*reading.pool);
  const std::optional<size_t> was_stuck = std::exchange(stuck_, watchdog_.Look(signs_));
  if (!stuck_.has_value()) {
    notifier_.FeedWatchdog();
    return;
  }
  if (stuck_ == was_stuck) return;
  const std::string thread = ThreadName(*stuck_);
  told_ = absl::StrCat("stuck: ", thread, " does not turn");
  notifier_.Status(told_);
  log_.Error("watchdog_not_fed",
             {{"thread", thread},
              {"meaning",
               "it does not turn and no handler holds it; the service manager ends the "
               "daemon soon unless it goes on"}});
}

// True when the phase has changed, with a status of its own.
bool ServiceReport::TellPhase(const ServiceReading& reading) {
  if (reading.phase == DrainPhase::kStarting || told_stopping_) return false;
  bool has_changed = false;
  // A drain may come before anybody was told of the start: the manager takes no end without one.
  if (!told_ready_) {
    told_ready_ = true;
    notifier_.Ready(StatusText(reading, 0));
    has_changed = true;
  }
  if (reading.phase >= DrainPhase::kDraining) {
    told_stopping_ = true;
    notifier_.Stopping(StatusText(reading, 0), reading.stop_limit_ns);
    has_changed = true;
  }
  return has_changed;
}

void ServiceReport::TellStatus(const ServiceReading& reading, int64_t now_ns) {
  // Nothing covers up what is stuck.
  if (stuck_.has_value() || reading.phase == DrainPhase::kStarting) return;
  const int64_t elapsed_ns = now_ns - told_at_ns_;
  if (elapsed_ns < kStatusNs) return;
  const uint64_t ended = reading.ended - std::exchange(told_ended_, reading.ended);
  const double per_s = static_cast<double>(ended) * 1e9 / static_cast<double>(elapsed_ns);
  std::string text = StatusText(reading, static_cast<uint64_t>(per_s));
  told_at_ns_ = now_ns;
  if (text == told_) return;
  told_ = std::move(text);
  notifier_.Status(told_);
}

std::string ServiceReport::ThreadName(size_t thread) const {
  if (thread == 0) return "the Door";
  if (thread > options_.cpus.size()) return "the blocking pool";
  return absl::StrCat("the core on CPU ", options_.cpus[thread - 1]);
}

}  // namespace weft
