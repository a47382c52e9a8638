#include "daemon/dispatch_log.h"

#include <algorithm>
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
    const auto older = std::find_if(pending_.begin(), pending_.end(), [&](const Stall& other) {
      return other.core == stall.core && other.thread == stall.thread;
    });
    if (older == pending_.end()) {
      pending_.push_back(stall);
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
    if (std::ranges::find(demoted_, entry.index) != demoted_.end()) return;
    demoted_.push_back(entry.index);
  }
  changed_.notify_one();
}

void DispatchLog::Run() {
  std::vector<Stall> stalls;
  std::vector<uint16_t> demoted;
  std::unique_lock lock(mutex_);
  const auto has_some = [this] { return !pending_.empty() || !demoted_.empty(); };
  while (true) {
    changed_.wait(lock, [&] { return stop_ || has_some(); });
    if (!has_some()) return;
    stalls.swap(pending_);
    demoted.swap(demoted_);
    left_out_.Add(std::exchange(replaced_, 0));
    lock.unlock();
    for (const Stall& stall : stalls) Write(stall);
    for (const uint16_t handler : demoted) {
      log_.Warn("handler_demoted",
                {{"handler", options_.handler_names[handler]},
                 {"stalls", kStallsToDemote},
                 {"within_s", kDemoteWindowNs / 1'000'000'000},
                 {"meaning", "its new tasks run in the blocking pool until ResumeHandler"}});
    }
    stalls.clear();
    demoted.clear();
    lock.lock();
  }
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
