#include "sys/stack_trace.h"

#include <execinfo.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <string_view>

#include "absl/debugging/symbolize.h"
#include "absl/strings/str_cat.h"

namespace weft::sys {
namespace {

// What unwinding takes beside what the kernel saves, which grows with the CPU's registers.
constexpr size_t kUnwindBytes = 64 * 1024;
// Ignored by whoever knows nothing of it, and nobody else's here.
constexpr int kSignal = SIGURG;
// The handler's own frame and the one that the kernel makes, both before the interrupted one.
constexpr int kOwnFrames = 2;
constexpr size_t kMostNameBytes = 96;

// The one capture that is under way. state says whose the rest is: kNobodys and kAsked: the
// asker's; kAnswering, which the signal handler takes from kAsked: the handler's, until it hands
// the frames back with kAnswered (release, pairs with the asker's acquire) and posts. thread is
// written before kAsked (release, pairs with the handler's acquire). A signal that comes late finds
// another state.
struct Capture {
  enum State : uint32_t { kNobodys, kAsked, kAnswering, kAnswered };

  std::mutex one_at_a_time;
  std::atomic<uint32_t> state{kNobodys};
  std::atomic<int> thread{0};
  std::array<void*, kMostFrames + kOwnFrames> frames{};
  int count = 0;
  void* interrupted = nullptr;
  sem_t answered;
};

Capture& TheCapture() {
  static Capture& capture = *new Capture();
  return capture;
}
// Set before the handler is installed: a function's static must not be entered by a signal.
std::atomic<Capture*> the_capture{nullptr};

void* InterruptedAt(void* context) {
#if defined(__x86_64__)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<ucontext_t*>(context)->uc_mcontext.pc);
#else
  static_cast<void>(context);
  return nullptr;
#endif
}

void OnSignal(int /*signal*/, siginfo_t* /*info*/, void* context) {
  Capture* const capture = the_capture.load(std::memory_order_acquire);
  const int saved_errno = errno;
  uint32_t asked = Capture::kAsked;
  if (capture->state.load(std::memory_order_acquire) == Capture::kAsked &&
      capture->thread.load(std::memory_order_relaxed) == ThisThreadId() &&
      capture->state.compare_exchange_strong(asked, Capture::kAnswering)) {
    capture->count = ::backtrace(capture->frames.data(), static_cast<int>(capture->frames.size()));
    capture->interrupted = InterruptedAt(context);
    capture->state.store(Capture::kAnswered, std::memory_order_release);
    ::sem_post(&capture->answered);
  }
  errno = saved_errno;
}

timespec Until(int64_t timeout_ns) {
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  const int64_t ns = int64_t{until.tv_nsec} + timeout_ns;
  until.tv_sec += ns / 1'000'000'000;
  until.tv_nsec = ns % 1'000'000'000;
  return until;
}

// True once the handler has answered.
bool AwaitAnswer(Capture& capture, int64_t timeout_ns) {
  const timespec until = Until(timeout_ns);
  int result = 0;
  do {
    result = ::sem_clockwait(&capture.answered, CLOCK_MONOTONIC, &until);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return true;
  uint32_t asked = Capture::kAsked;
  if (capture.state.compare_exchange_strong(asked, Capture::kNobodys)) return false;
  // It is at it, and takes microseconds.
  while (::sem_wait(&capture.answered) != 0) {
  }
  return true;
}

// From the interrupted frame on.
std::vector<void*> Frames(const Capture& capture) {
  const auto begin = capture.frames.begin();
  const auto end = begin + capture.count;
  auto first = std::find(begin, end, capture.interrupted);
  if (first == end) first = begin + std::min(kOwnFrames, capture.count);
  return {first, std::min(end, first + kMostFrames)};
}

// "weftd(+0x1a2b)".
std::string PlaceOf(void* address) {
  const std::unique_ptr<char*, decltype(&::free)> lines(::backtrace_symbols(&address, 1), &::free);
  // "/usr/bin/weftd(+0x1a2b) [0x55...]", or the address alone.
  const std::string_view line = lines == nullptr ? std::string_view() : *lines;
  const size_t end = std::min(line.find(" ["), line.size());
  // Without a slash npos + 1, the beginning.
  const size_t begin = line.rfind('/', end) + 1;
  return std::string(line.substr(begin, end - begin));
}

}  // namespace

SignalStack::SignalStack()
    : bottom_(nullptr),
      bytes_(kUnwindBytes + static_cast<size_t>(std::max(::sysconf(_SC_MINSIGSTKSZ), 0L))) {
  void* const mapped = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (mapped == MAP_FAILED) return;
  bottom_ = mapped;
  stack_t stack{};
  stack.ss_sp = bottom_;
  stack.ss_size = bytes_;
  ::sigaltstack(&stack, &previous_);
}

SignalStack::~SignalStack() {
  if (bottom_ == nullptr) return;
  ::sigaltstack(&previous_, nullptr);
  ::munmap(bottom_, bytes_);
}

int ThisThreadId() { return static_cast<int>(::syscall(SYS_gettid)); }

absl::Status PrepareStackCapture() {
  Capture& capture = TheCapture();
  const std::lock_guard lock(capture.one_at_a_time);
  if (the_capture.load(std::memory_order_relaxed) != nullptr) return absl::OkStatus();
  ::sem_init(&capture.answered, 0, 0);
  // The first one loads the unwinder.
  ::backtrace(capture.frames.data(), 1);
  the_capture.store(&capture, std::memory_order_release);
  struct sigaction action {};
  action.sa_sigaction = &OnSignal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  if (::sigaction(kSignal, &action, nullptr) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "sigaction(SIGURG)");
}

std::vector<void*> CaptureStack(int thread_id, int64_t timeout_ns) {
  Capture* const capture = the_capture.load(std::memory_order_acquire);
  if (capture == nullptr) return {};
  const std::lock_guard lock(capture->one_at_a_time);
  capture->thread.store(thread_id, std::memory_order_relaxed);
  capture->state.store(Capture::kAsked, std::memory_order_release);
  std::vector<void*> frames;
  if (::syscall(SYS_tgkill, ::getpid(), thread_id, kSignal) == 0 &&
      AwaitAnswer(*capture, timeout_ns) &&
      capture->state.load(std::memory_order_acquire) == Capture::kAnswered) {
    frames = Frames(*capture);
  }
  capture->state.store(Capture::kNobodys, std::memory_order_relaxed);
  return frames;
}

std::string DescribeStack(const std::vector<void*>& frames, size_t most) {
  std::string text;
  for (size_t i = 0; i < frames.size() && i < most; ++i) {
    // All but the innermost are where a call returns to, which may be the next function.
    char* const inside = static_cast<char*>(frames[i]) - (i == 0 ? 0 : 1);
    std::array<char, kMostNameBytes> name{};
    const bool named = absl::Symbolize(inside, name.data(), static_cast<int>(name.size()));
    absl::StrAppend(&text, i == 0 ? "" : " < ", named ? std::string(name.data()) : PlaceOf(inside));
  }
  return text;
}

}  // namespace weft::sys
