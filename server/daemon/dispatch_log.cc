#include "daemon/dispatch_log.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "dispatch/options.h"

namespace weft {
namespace {

constexpr MetricDescription kReports = {
    "weft_daemon_stall_reports_total",
    "Stalls by what the log tells of them: traced, with the stack of the thread that was held; "
    "untraced, when the hold was over before or the thread did not answer; left_out, beyond ten "
    "lines in ten seconds."};

std::string_view CauseName(CoreChange::Cause cause) {
  constexpr std::array<std::string_view, 3> kNames = {"load", "no_room", "setting"};
  return kNames[static_cast<size_t>(cause)];
}

}  // namespace

DispatchLog::DispatchLog(Options options, Log& log) : options_(std::move(options)), log_(log) {}

DispatchLog::~DispatchLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.reset();
}

absl::Status DispatchLog::Start() {
  return sys::StartThread(&thread_, {.name = "weft-stalls"}, [this] { Run(); });
}

void DispatchLog::OnStall(const Stall& stall) {
  {
    const std::lock_guard lock(mutex_);
    std::vector<Stall>& stalls = pending_.stalls;
    const auto older = std::find_if(stalls.begin(), stalls.end(), [&](const Stall& other) {
      return other.core == stall.core && other.thread == stall.thread;
    });
    if (older == stalls.end()) {
      stalls.push_back(stall);
    } else {
      *older = stall;
      ++replaced_;
    }
  }
  changed_.notify_one();
}

void DispatchLog::OnDemoted(const TaskEntry& entry) {
  {
    const std::lock_guard lock(mutex_);
    std::vector<uint16_t>& demoted = pending_.demoted;
    if (std::ranges::find(demoted, entry.index) != demoted.end()) return;
    demoted.push_back(entry.index);
  }
  changed_.notify_one();
}

void DispatchLog::OnAbsentCore(uint32_t core, std::string_view field) {
  {
    const std::lock_guard lock(mutex_);
    ++pending_.absent_cores;
    pending_.absent_core = core;
    pending_.absent_field = field;
  }
  changed_.notify_one();
}

void DispatchLog::OnCoreChange(const CoreChange& change) {
  {
    const std::lock_guard lock(mutex_);
    if (pending_.changes.size() < kMostChanges) {
      pending_.changes.push_back(change);
    } else {
      ++pending_.changes_left_out;
    }
  }
  changed_.notify_one();
}

void DispatchLog::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !pending_.empty(); });
    if (pending_.empty()) return;
    const Pending pending = std::exchange(pending_, {});
    left_out_.Add(std::exchange(replaced_, 0));
    lock.unlock();
    Write(pending);
    lock.lock();
  }
}

void DispatchLog::Write(const Pending& pending) {
  for (const Stall& stall : pending.stalls) Write(stall);
  for (const uint16_t handler : pending.demoted) {
    log_.Warn("handler_demoted",
              {{"handler", options_.handler_names[handler]},
               {"stalls", kStallsToDemote},
               {"within_s", kDemoteWindowNs / 1'000'000'000},
               {"meaning", "its new tasks run in the blocking pool until ResumeHandler"}});
  }
  if (pending.absent_cores > 0) WriteAbsentCore(pending);
  WriteChanges(pending);
}

// The last line tells of those that came behind it.
void DispatchLog::WriteChanges(const Pending& pending) {
  for (const CoreChange& change : pending.changes) {
    const bool is_last = &change == &pending.changes.back();
    log_.Info(change.is_active ? "core_unparked" : "core_parked",
              {{"cpu", change.cpu},
               {"cause", CauseName(change.cause)},
               {"active", change.active},
               {"active_min", change.least},
               {"busy_percent", change.busy_percent},
               {"queued", change.queued},
               {"left_out", is_last ? pending.changes_left_out : 0}});
  }
}

void DispatchLog::WriteAbsentCore(const Pending& pending) {
  absent_left_out_ += pending.absent_cores - 1;
  if (!absent_limit_.Admit(options_.now_ns()).has_value()) {
    ++absent_left_out_;
    return;
  }
  log_.Warn("core_out_of_range", {{"field", pending.absent_field},
                                  {"core", pending.absent_core},
                                  {"left_out", std::exchange(absent_left_out_, 0)}});
}

void DispatchLog::Write(const Stall& stall) {
  const std::optional<uint64_t> left_out = limit_.Admit(options_.now_ns());
  if (!left_out.has_value()) {
    left_out_.Add();
    return;
  }
  std::string stack;
  if (options_.lasts(stall)) stack = options_.trace(stall.thread_id);
  // What was traced after the hold had ended is something else.
  if (!options_.lasts(stall)) stack.clear();
  const bool in_pool = stall.cpu < 0;
  const LogField where = in_pool ? LogField("thread", "weft-block-" + std::to_string(stall.thread))
                                 : LogField("cpu", stall.cpu);
  log_.Warn(in_pool ? "handler_holds_thread" : "handler_holds_core",
            {{"handler", options_.handler_names[stall.holder.entry->index]},
             where,
             {"held_ms", stall.held_ns / 1'000'000},
             {"threshold_ms", (stall.threshold_ns + 500'000) / 1'000'000},
             {"left_out", *left_out},
             {"stack", stack}});
  (stack.empty() ? untraced_ : traced_).Add();
}

void DispatchLog::Collect(MetricWriter& writer) const {
  const auto counter = [&](const char* outcome, const Counter& count) {
    writer.WriteCounter(kReports, {{"outcome", outcome}}, static_cast<double>(count.value()));
  };
  counter("traced", traced_);
  counter("untraced", untraced_);
  counter("left_out", left_out_);
}

}  // namespace weft
