#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <iostream>
#include <memory>
#include <thread>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/filter_options.h"
#include "client/cli/output.h"
#include "client/cli/summary_text.h"
#include "weft/watch.h"

namespace weft::cli {
namespace {

constexpr char kExamples[] =
    R"(  weft watch                                every task as it is accepted and as it ends
  weft watch --state failed --state expired
  weft watch --label app=shop --json        one JSON object a line; Ctrl-C ends it
)";

struct WatchOptions {
  FilterOptions filter;
  uint64_t limit = 0;  // 0: none.
};

// SIGINT and SIGTERM, which from now on no thread takes but one that waits for them. Before any
// thread is started.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Stops a watch when one of the signals comes. The watch outlives it.
class StopAtSignal {
 public:
  StopAtSignal(const sigset_t& signals, TaskWatch& watch)
      : signals_(signals), watch_(watch), thread_([this] { AwaitSignal(); }) {}
  ~StopAtSignal() {
    over_.store(true);
    thread_.join();
  }
  StopAtSignal(const StopAtSignal&) = delete;
  StopAtSignal& operator=(const StopAtSignal&) = delete;

  bool stopped() const { return stopped_.load(); }

 private:
  void AwaitSignal() {
    const timespec look_again = {.tv_sec = 0, .tv_nsec = 50'000'000};
    while (!over_.load()) {
      if (sigtimedwait(&signals_, nullptr, &look_again) < 0) continue;
      stopped_.store(true);
      watch_.Stop();
      return;
    }
  }

  const sigset_t signals_;
  TaskWatch& watch_;
  std::atomic<bool> over_{false};
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

void Write(const v1::WatchTasksResponse& message, bool json) {
  if (message.missed() > 0 && json) {
    std::cout << "{\"missed\":\"" << message.missed() << "\"}\n";
  } else if (message.missed() > 0) {
    std::cout << "missed   " << message.missed() << " events: they were not read quickly enough\n";
  }
  for (const v1::TaskEvent& event : message.events()) {
    if (json) {
      std::cout << ToJson(event, false) << "\n";
    } else {
      std::cout << EventLine(event);
    }
  }
  std::cout.flush();
}

// Cuts the events that are beyond the limit.
void Cut(uint64_t most, v1::WatchTasksResponse* message) {
  const auto count = static_cast<uint64_t>(message->events_size());
  if (count <= most) return;
  message->mutable_events()->DeleteSubrange(static_cast<int>(most), static_cast<int>(count - most));
}

int Watch(Client& client, const Session& session, const WatchOptions& options,
          const sigset_t& signals) {
  const std::unique_ptr<TaskWatch> watch = client.WatchTasks(MakeFilter(options.filter));
  const StopAtSignal stop(signals, *watch);
  uint64_t left = options.limit == 0 ? UINT64_MAX : options.limit;
  bool has_begun = false;
  while (left > 0 && std::cout.good()) {
    auto message = watch->Next();
    if (!message.ok() && stop.stopped()) return kExitOk;
    if (!message.ok()) return session.Report(message.status());
    if (!has_begun) std::cerr << "watching; Ctrl-C ends it" << std::endl;
    has_begun = true;
    Cut(left, &*message);
    Write(*message, session.json);
    left -= static_cast<uint64_t>(message->events_size());
  }
  return kExitOk;
}

}  // namespace

void AddWatch(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(
      app, "watch", "Tell of tasks as they are accepted and as they end, until Ctrl-C", kExamples);
  const auto options = std::make_shared<WatchOptions>();
  AddFilterOptions(command, &options->filter);
  command->add_option("--limit", options->limit, "Ends after so many events; 0: never")
      ->capture_default_str();
  AddSessionOptions(command, session);
  command->callback([session, options] {
    const sigset_t signals = BlockStopSignals();
    session->WithClient([&](Client& client) { return Watch(client, *session, *options, signals); });
  });
}

}  // namespace weft::cli
