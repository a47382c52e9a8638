#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "config/change.h"
#include "config/loader.h"
#include "daemon/log.h"
#include "dispatch/door_mail.h"
#include "metrics/metric_source.h"
#include "sys/thread.h"

namespace weft {

// What a reload came to: InvalidArgument with a line for each mistake, FailedPrecondition when
// there is no file to read again; else what has changed.
using ReloadOutcome = absl::StatusOr<ConfigUpdate>;

// Reads the configuration again when it is asked to, on a thread of its own, since a file may be
// slow: checks all of it, has the Door take over the live keys between two of its rounds, and tells
// the log. Requests that come while one is read are answered together by the next. Owned by the
// daemon.
class ConfigReloader final : public MetricSource {
 public:
  // Called on the Door's thread, once, unless the Door ends first.
  using Answer = std::function<void(const ReloadOutcome&)>;

  struct Options {
    ConfigSources sources;  // As at the start.
    LoadedConfig running;
    // On the reloader's thread: a reload begins, and it is over whatever it came to. This is where
    // a service manager is told.
    std::function<void()> before = [] {};
    std::function<void()> after = [] {};
    // On the reloader's thread: what the machine would not grant to a start with what was read.
    std::function<std::vector<std::string>(const LoadedConfig&)> warn = [](const LoadedConfig&) {
      return std::vector<std::string>();
    };
    // On the Door's thread: takes over the live keys of the configuration. Must not block.
    std::function<void(const Config&)> apply;
    // Has the Door run an errand; false when it cannot: Door::Post.
    std::function<bool(DoorErrand&)> post;
    std::function<int64_t()> unix_time_s;
  };

  // log outlives this.
  ConfigReloader(Options options, Log& log);
  // Waits for a file that is being read.
  ~ConfigReloader() override;

  // Once; until then requests wait. As sys::StartThread.
  absl::Status Start();

  // Any thread. cause: "SIGHUP", told to the log. answer may be empty.
  void Request(std::string_view cause, Answer answer);

  // Any thread.
  void Collect(MetricWriter& writer) const override;

 private:
  // What the Door does: takes over the configuration, if it is right, and answers.
  class Errand final : public DoorErrand {
   public:
    explicit Errand(ConfigReloader& reloader) : reloader_(reloader) {}
    void Run() override;

    const ReloadOutcome* outcome = nullptr;
    std::vector<Answer> answers;

   private:
    ConfigReloader& reloader_;
  };

  void Run();
  void Reload(const std::string& cause, std::vector<Answer> answers);
  ReloadOutcome Read() const;
  bool HaveTheDoorRun(const ReloadOutcome& outcome, std::vector<Answer> answers);
  void Count(bool is_right);
  void Tell(const std::string& cause, const ReloadOutcome& outcome);

  Options options_;
  Log& log_;
  Errand errand_{*this};
  std::atomic<uint64_t> succeeded_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<int64_t> last_success_s_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string cause_;  // Of the first request that waits; empty when none does.
  std::vector<Answer> answers_;
  bool errand_done_ = false;
  bool stop_ = false;
  std::optional<sys::Thread> thread_;
};

}  // namespace weft
