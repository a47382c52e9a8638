#include "sys/thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sys/topology.h"

namespace weft::sys {
namespace {

constexpr size_t kNameBytesMax = 15;
// The lowest: above every ordinary thread, below whatever the operator ranks higher.
constexpr int kFifoPriority = 1;
constexpr int kBackgroundNice = 10;
constexpr int kLeastNice = 19;

// Of this thread alone, on Linux; lowering one's own share is always allowed.
void LowerNice(int nice) {
  if (::getpriority(PRIO_PROCESS, 0) < nice) ::setpriority(PRIO_PROCESS, 0, nice);
}

// What the new thread tells its starter before the body runs.
struct Outcome {
  absl::Status pinned;
  absl::Status prepared;
  absl::Status realtime;

  bool ok() const { return pinned.ok() && prepared.ok(); }
};

absl::Status MakeThisThreadRealtime() {
  const sched_param parameters{.sched_priority = kFifoPriority};
  // Threads that the kernel makes for its I/O would otherwise be as urgent, wherever they run.
  if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "SCHED_FIFO was not granted");
}

Outcome Prepare(const ThreadOptions& options) {
  ::pthread_setname_np(::pthread_self(), options.name.substr(0, kNameBytesMax).c_str());
  Outcome outcome;
  if (options.background) LowerNice(kBackgroundNice);
  if (!options.cpus.empty()) outcome.pinned = PinThisThread(options.cpus);
  if (options.prepare && outcome.pinned.ok()) outcome.prepared = options.prepare();
  if (options.realtime && outcome.ok()) outcome.realtime = MakeThisThreadRealtime();
  return outcome;
}

}  // namespace

absl::Status NoThread(const std::string& name, const std::system_error& cause) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "cannot start thread ", name, ": ", cause.code().message(),
      "; allow more threads (TasksMax= of the service, the pids limit of the container, ulimit -u) "
      "or more memory (ulimit -v)"));
}

absl::Status PinThisThread(absl::Span<const int> cpus) {
  if (cpus.empty()) return absl::InvalidArgumentError("no CPU to pin the thread to");
  std::vector<int> wanted(cpus.begin(), cpus.end());
  std::sort(wanted.begin(), wanted.end());
  if (wanted.front() < 0) {
    return absl::InvalidArgumentError(absl::StrCat("CPU ", wanted.front(), " does not exist"));
  }
  const auto count = static_cast<size_t>(wanted.back()) + 1;
  const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(
      CPU_ALLOC(count), [](cpu_set_t* allocated) { CPU_FREE(allocated); });
  const size_t bytes = CPU_ALLOC_SIZE(count);
  CPU_ZERO_S(bytes, set.get());
  for (const int cpu : wanted) CPU_SET_S(static_cast<size_t>(cpu), bytes, set.get());
  if (::sched_setaffinity(0, bytes, set.get()) != 0) {
    const absl::Status cause = absl::ErrnoToStatus(errno, "sched_setaffinity");
    return absl::FailedPreconditionError(
        absl::StrCat("cannot pin to CPU ", FormatCpus(wanted), ": ", cause.message()));
  }
  absl::StatusOr<std::vector<int>> granted = AllowedCpus();
  if (!granted.ok()) return granted.status();
  if (*granted != wanted) {
    return absl::FailedPreconditionError(absl::StrCat(
        "asked for CPU ", FormatCpus(wanted), ", but the kernel granted ", FormatCpus(*granted)));
  }
  return absl::OkStatus();
}

void RunBehindOthers() { LowerNice(kLeastNice); }

absl::StatusOr<Thread> Thread::Start(const ThreadOptions& options, std::function<void()> body) {
  Thread thread;
  std::promise<Outcome> promise;
  std::future<Outcome> prepared = promise.get_future();
  try {
    thread.thread_ =
        std::thread([&options, body = std::move(body), promise = std::move(promise)]() mutable {
          Outcome outcome = Prepare(options);
          const bool run = outcome.ok();
          // From here on `options` may be gone.
          promise.set_value(std::move(outcome));
          if (run) body();
        });
  } catch (const std::system_error& error) {
    return NoThread(options.name, error);
  }
  Outcome outcome = prepared.get();
  if (!outcome.pinned.ok()) {
    return absl::Status(outcome.pinned.code(),
                        absl::StrCat("thread ", options.name, ": ", outcome.pinned.message()));
  }
  if (!outcome.prepared.ok()) return outcome.prepared;
  thread.realtime_status_ = std::move(outcome.realtime);
  return thread;
}

Thread::~Thread() { Join(); }

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    Join();
    thread_ = std::move(other.thread_);
    realtime_status_ = std::move(other.realtime_status_);
  }
  return *this;
}

void Thread::Join() {
  if (thread_.joinable()) thread_.join();
}

absl::Status StartThread(std::optional<Thread>* thread, const ThreadOptions& options,
                         std::function<void()> body) {
  absl::StatusOr<Thread> started = Thread::Start(options, std::move(body));
  if (!started.ok()) return started.status();
  *thread = *std::move(started);
  return absl::OkStatus();
}

}  // namespace weft::sys
