#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace weft::sys {

// ResourceExhausted: a thread cannot be started, and what to raise.
absl::Status NoThread(const std::string& name, const std::system_error& cause);

// Binds the calling thread to `cpus` and reads the mask back: a cpuset grants less than was asked
// without an error. FAILED_PRECONDITION names what was asked and what was granted; the thread then
// keeps what was granted. INVALID_ARGUMENT when `cpus` is empty.
absl::Status PinThisThread(absl::Span<const int> cpus);

// The calling thread, and those it starts from now on, take the least share of a CPU (nice 19): a
// seventieth beside one thread that wants it, too. Always allowed; there is no way back.
void RunBehindOthers();

struct ThreadOptions {
  // The kernel shows the first 15 bytes.
  std::string name;
  // Empty: inherits the mask of the thread that calls Start.
  std::vector<int> cpus;
  // A tenth of a CPU beside another thread that wants it (nice 10), so that it delays that little.
  bool background = false;
  // Asks for SCHED_FIFO, for this thread alone and not for those it starts. Best effort; see
  // Thread::realtime_status.
  bool realtime = false;
  // Called on the thread once it is pinned, so that memory it touches first is near its CPU. An
  // error keeps body from running.
  std::function<absl::Status()> prepare;
};

// A named, pinned thread. Owned by whoever started it, who alone may touch it; destruction joins,
// so tell the body to end before.
class Thread {
 public:
  // Returns once the thread is pinned, just before `body` runs; an error means that `body` never
  // runs: ResourceExhausted, with what to raise, when there may be no further thread; or what
  // `prepare` returned. Neither may throw.
  static absl::StatusOr<Thread> Start(const ThreadOptions& options, std::function<void()> body);

  ~Thread();
  Thread(Thread&&) noexcept = default;
  Thread& operator=(Thread&& other) noexcept;

  // Blocks until the body has returned. Idempotent.
  void Join();

  // OK when SCHED_FIFO was granted or not asked for; else the kernel's error.
  const absl::Status& realtime_status() const { return realtime_status_; }

 private:
  Thread() = default;

  std::thread thread_;
  absl::Status realtime_status_;
};

// Thread::Start for whoever owns a thread that may not run yet.
absl::Status StartThread(std::optional<Thread>* thread, const ThreadOptions& options,
                         std::function<void()> body);
// How a thread is begun; StartThread but in tests.
using ThreadStarter = std::function<absl::Status(std::optional<Thread>*, const ThreadOptions&,
                                                 std::function<void()>)>;

}  // namespace weft::sys
