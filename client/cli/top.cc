#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"
#include "client/cli/terminal.h"
#include "client/cli/top_frame.h"

namespace weft::cli {
namespace {

constexpr TopSize kUnlimited = {.columns = std::numeric_limits<size_t>::max(),
                                .rows = std::numeric_limits<size_t>::max()};

// How long a daemon that fell silent may keep `q` waiting.
constexpr int64_t kCoresTimeoutNs = 2'000'000'000;

struct TopOptions {
  int64_t interval_ns = 1'000'000'000;
  bool once = false;
};

int64_t UnixNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Reads the watch, and of each message makes the next view. One thread at a time.
class TopReader {
 public:
  TopReader(Client& client, const std::string& target, int64_t interval_ns)
      : client_(client), watch_(client.WatchStats(interval_ns)) {
    view_.target = target;
  }

  // Blocks for the next message.
  absl::Status Next() {
    absl::StatusOr<v1::WatchStatsResponse> message = watch_->Next();
    if (!message.ok()) return message.status();
    if (has_view_) view_.before = view_.now.stats();
    has_view_ = true;
    view_.now = *std::move(message);
    view_.unix_ns = UnixNs();
    absl::StatusOr<v1::ListCoresResponse> cores =
        client_.ListCores({.timeout_ns = kCoresTimeoutNs});
    if (!cores.ok()) return cores.status();
    view_.cores = *std::move(cores);
    return absl::OkStatus();
  }
  const TopView& view() const { return view_; }
  // Any thread.
  void Cancel() { watch_->Cancel(); }

 private:
  Client& client_;
  std::unique_ptr<StatsWatch> watch_;
  TopView view_;
  bool has_view_ = false;
};

// Frames one under the other, or messages as JSON, a line each: for a pipe or a file.
absl::Status PrintFrames(TopReader& reader, bool once, bool json) {
  // The first message tells of no interval.
  absl::Status status = reader.Next();
  while (status.ok() && std::cout.good()) {
    status = reader.Next();
    if (!status.ok()) break;
    const TopView& view = reader.view();
    std::cout << (json ? ToJson(view.now, false) : TopFrame(view, kUnlimited)) << "\n";
    if (once) break;
    std::cout << (json ? "" : "\n") << std::flush;
  }
  return status;
}

// What the reading thread hands to the one that shows: the newest view, or why there is no more.
class Handover {
 public:
  Handover() : event_(eventfd(0, EFD_CLOEXEC)) {}
  ~Handover() { close(event_); }
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  // Readable once there is something new.
  int event() const { return event_; }

  void Put(const TopView& view) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      view_ = view;
    }
    Announce();
  }
  void End(absl::Status status) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ended_ = std::move(status);
    }
    Announce();
  }
  void Take(std::optional<TopView>* view, std::optional<absl::Status>* ended) {
    uint64_t count = 0;
    (void)!read(event_, &count, sizeof count);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (view_.has_value()) *view = std::exchange(view_, std::nullopt);
    *ended = ended_;
  }

 private:
  void Announce() {
    const uint64_t one = 1;
    (void)!write(event_, &one, sizeof one);
  }

  const int event_;
  std::mutex mutex_;
  std::optional<TopView> view_;
  std::optional<absl::Status> ended_;
};

// Signals as something to poll. Threads started later inherit the mask, so none of them ends the
// process while the terminal is taken over.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
    event_ = signalfd(-1, &set_, SFD_CLOEXEC);
  }
  ~Signals() {
    close(event_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int event() const { return event_; }
  // False when it asks to end.
  bool Take() const {
    signalfd_siginfo info{};
    (void)!read(event_, &info, sizeof info);
    return info.ssi_signo == SIGWINCH;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
  int event_ = -1;
};

bool AsksToQuit() {
  char key = 0;
  const ssize_t count = read(STDIN_FILENO, &key, 1);
  return count <= 0 || key == 'q' || key == 'Q';
}

// Shows until it is asked to end, or the watch has.
absl::Status ShowUntilTheEnd(const Signals& signals, Handover& handover) {
  FullScreen screen;
  std::optional<TopView> view;
  std::optional<absl::Status> ended;
  const int keys = isatty(STDIN_FILENO) == 1 ? STDIN_FILENO : -1;  // Poll passes -1 over.
  while (!ended.has_value()) {
    pollfd events[] = {
        {handover.event(), POLLIN, 0}, {signals.event(), POLLIN, 0}, {keys, POLLIN, 0}};
    if (poll(events, std::size(events), -1) < 0) continue;
    if (events[0].revents != 0) handover.Take(&view, &ended);
    if (events[1].revents != 0 && !signals.Take()) return absl::OkStatus();
    if (events[2].revents != 0 && AsksToQuit()) return absl::OkStatus();
    if (view.has_value()) screen.Show(TopFrame(*view, FullScreen::size()));
  }
  return *ended;
}

absl::Status ShowFrames(TopReader& reader, const Signals& signals) {
  Handover handover;
  std::thread reading([&] {
    absl::Status status = reader.Next();
    for (; status.ok(); status = reader.Next()) handover.Put(reader.view());
    handover.End(std::move(status));
  });
  absl::Status shown = ShowUntilTheEnd(signals, handover);
  reader.Cancel();
  reading.join();
  return shown;
}

}  // namespace

void AddTop(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "top", "Watch cores, handlers and bounds live",
                 "  weft top                    (q quits)\n"
                 "  weft top --interval 200ms\n"
                 "  weft top --once             (one frame as text, of one interval)\n");
  const auto options = std::make_shared<TopOptions>();
  AddDuration(command, "--interval", &options->interval_ns,
              "Time between two frames, 100ms to 60s (default 1s)");
  command->add_flag("--once", options->once, "Print one frame as text and end");
  AddSessionOptions(command, session);
  command->callback([session, options] {
    // Before the client starts any thread.
    const bool is_full_screen = !options->once && !session->json && IsTerminal();
    std::optional<Signals> signals;
    if (is_full_screen) signals.emplace();
    session->WithClient([&](Client& client) -> int {
      TopReader reader(client, session->target, options->interval_ns);
      const absl::Status status = is_full_screen
                                      ? ShowFrames(reader, *signals)
                                      : PrintFrames(reader, options->once, session->json);
      return status.ok() ? kExitOk : session->Report(status);
    });
  });
}

}  // namespace weft::cli
