#include "daemon/config_reloader.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"

namespace weft {
namespace {

constexpr MetricDescription kReloads = {"weft_config_reloads_total",
                                        "Times the configuration was read again."};
constexpr MetricDescription kLastSuccess = {
    "weft_config_last_success_timestamp_seconds",
    "Unix time at which the configuration was last found to be right, the start included."};

}  // namespace

ConfigReloader::ConfigReloader(Options options, Log& log)
    : options_(std::move(options)), log_(log), last_success_s_(options_.unix_time_s()) {}

ConfigReloader::~ConfigReloader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.reset();
}

absl::Status ConfigReloader::Start() {
  return sys::StartThread(&thread_, {.name = "weft-reload"}, [this] { Run(); });
}

void ConfigReloader::Request(std::string_view cause, Answer answer) {
  {
    const std::lock_guard lock(mutex_);
    if (cause_.empty()) cause_ = cause;
    if (answer) answers_.push_back(std::move(answer));
  }
  changed_.notify_all();
}

void ConfigReloader::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !cause_.empty(); });
    if (stop_) return;
    const std::string cause = std::exchange(cause_, {});
    std::vector<Answer> answers = std::exchange(answers_, {});
    lock.unlock();
    options_.before();
    Reload(cause, std::move(answers));
    options_.after();
    lock.lock();
  }
}

ReloadOutcome ConfigReloader::Read() const {
  if (!options_.sources.file.has_value()) {
    return absl::FailedPreconditionError(
        "weftd was started without --config, so there is no file to read again");
  }
  const absl::StatusOr<LoadedConfig> fresh = LoadConfig(options_.sources);
  if (!fresh.ok()) return fresh.status();
  ReloadOutcome outcome = UpdateConfig(options_.running, *fresh);
  if (outcome.ok()) outcome->warnings = options_.warn(*fresh);
  return outcome;
}

void ConfigReloader::Reload(const std::string& cause, std::vector<Answer> answers) {
  const ReloadOutcome outcome = Read();
  if (!HaveTheDoorRun(outcome, std::move(answers))) return;
  if (outcome.ok()) options_.running = outcome->next;
  Tell(cause, outcome);
}

// False when the Door has ended.
bool ConfigReloader::HaveTheDoorRun(const ReloadOutcome& outcome, std::vector<Answer> answers) {
  errand_.outcome = &outcome;
  errand_.answers = std::move(answers);
  errand_done_ = false;
  if (!options_.post(errand_)) return false;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || errand_done_; });
  return errand_done_;
}

void ConfigReloader::Errand::Run() {
  if (outcome->ok()) reloader_.options_.apply((*outcome)->next.config);
  reloader_.Count(outcome->ok());  // Before the answers: whoever has one may look.
  for (const Answer& answer : answers) answer(*outcome);
  answers.clear();
  const std::lock_guard lock(reloader_.mutex_);
  reloader_.errand_done_ = true;
  // Under the lock: the reloader may be gone as soon as it is let go.
  reloader_.changed_.notify_all();
}

void ConfigReloader::Count(bool is_right) {
  (is_right ? succeeded_ : failed_).fetch_add(1);
  if (is_right) last_success_s_.store(options_.unix_time_s());
}

void ConfigReloader::Tell(const std::string& cause, const ReloadOutcome& outcome) {
  if (!outcome.ok()) {
    const std::string text(outcome.status().message());
    const std::vector<std::string> mistakes = absl::StrSplit(text, '\n');
    log_.Error(
        "config_not_reloaded",
        {{"cause", cause}, {"mistakes", mistakes.size()}, {"meaning", "nothing has changed"}});
    for (const std::string& mistake : mistakes) {
      log_.Error("config_mistake", {{"mistake", mistake}});
    }
    return;
  }
  log_.Info("config_reloaded", {{"cause", cause},
                                {"applied", outcome->applied.size()},
                                {"needs_restart", outcome->needs_restart.size()}});
  for (const ConfigChange& change : outcome->applied) {
    log_.Info("config_applied",
              {{"key", change.key}, {"from", change.old_value}, {"to", change.new_value}});
  }
  for (const ConfigChange& change : outcome->needs_restart) {
    log_.Warn("config_needs_restart",
              {{"key", change.key}, {"from", change.old_value}, {"to", change.new_value}});
  }
  for (const std::string& warning : outcome->warnings) {
    log_.Warn("config_start_would_fail", {{"warning", warning}});
  }
}

void ConfigReloader::Collect(MetricWriter& writer) const {
  writer.WriteCounter(kReloads, {{"result", "ok"}}, static_cast<double>(succeeded_.load()));
  writer.WriteCounter(kReloads, {{"result", "error"}}, static_cast<double>(failed_.load()));
  writer.WriteGauge(kLastSuccess, {}, static_cast<double>(last_success_s_.load()));
}

}  // namespace weft
