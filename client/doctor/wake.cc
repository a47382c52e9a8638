#include "client/doctor/wake.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/cli/duration.h"

namespace weft::doctor {
namespace {

constexpr int64_t kTimeMaxNs = 300'000'000;
constexpr size_t kWakes = 300;
constexpr size_t kHandOvers = 2'000;
// Long enough for the woken thread to sleep again, and for the CPU to rest.
constexpr int64_t kSettleNs = 200'000;

constexpr int64_t kWakeGoodNs = 50'000;
constexpr int64_t kHandOverGoodNs = 2'000;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Best effort: where the mask is refused, the measure is of threads that float.
void PinTo(int cpu) {
  if (cpu >= CPU_SETSIZE) return;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(static_cast<size_t>(cpu), &mask);
  static_cast<void>(sched_setaffinity(0, sizeof mask, &mask));
}

int64_t Percentile(std::vector<int64_t>* times, double percent) {
  if (times->empty()) return 0;
  const auto rank = static_cast<size_t>(percent / 100 * static_cast<double>(times->size() - 1));
  std::nth_element(times->begin(), times->begin() + static_cast<std::ptrdiff_t>(rank),
                   times->end());
  return (*times)[rank];
}

// Read and written in turns by the thread that wakes and the one that is woken: `awake_ns` is
// stored with release by the woken one and taken with acquire by the waker, who writes the rest.
struct WakeExchange {
  int event = -1;
  std::atomic<int64_t> awake_ns{0};
  std::atomic<bool> is_over{false};
};

void SleepAgainAndAgain(WakeExchange* exchange, int cpu) {
  PinTo(cpu);
  uint64_t count = 0;
  while (read(exchange->event, &count, sizeof count) == sizeof count) {
    exchange->awake_ns.store(NowNs(), std::memory_order_release);
    if (exchange->is_over.load(std::memory_order_acquire)) return;
  }
}

bool WriteEvent(int event) {
  const uint64_t one = 1;
  return write(event, &one, sizeof one) == sizeof one;
}

// Wakes the other thread once and answers how long that took; 0 when it did not come.
int64_t WakeOnce(WakeExchange* exchange, int64_t until_ns) {
  const timespec settle{0, kSettleNs};
  nanosleep(&settle, nullptr);
  exchange->awake_ns.store(0, std::memory_order_relaxed);
  const int64_t began_ns = NowNs();
  if (!WriteEvent(exchange->event)) return 0;
  int64_t awake_ns = 0;
  while ((awake_ns = exchange->awake_ns.load(std::memory_order_acquire)) == 0) {
    if (NowNs() > until_ns) return 0;
    // On one CPU the other thread needs it.
    sched_yield();
  }
  return std::max<int64_t>(awake_ns - began_ns, 1);
}

void MeasureSleeping(int other_cpu, WakeReading* reading) {
  WakeExchange exchange;
  exchange.event = eventfd(0, EFD_CLOEXEC);
  if (exchange.event < 0) return;
  std::thread sleeper(SleepAgainAndAgain, &exchange, other_cpu);
  std::vector<int64_t> times;
  const int64_t until_ns = NowNs() + kTimeMaxNs;
  while (times.size() < kWakes && NowNs() < until_ns) {
    const int64_t took_ns = WakeOnce(&exchange, until_ns);
    if (took_ns > 0) times.push_back(took_ns);
  }
  exchange.is_over.store(true, std::memory_order_release);
  static_cast<void>(WriteEvent(exchange.event));
  sleeper.join();
  close(exchange.event);
  reading->sleeping_p50_ns = Percentile(&times, 50);
  reading->sleeping_p99_ns = Percentile(&times, 99);
}

// The number that was last sent and the one last answered, each on a cache line of its own.
struct SpinExchange {
  alignas(64) std::atomic<uint64_t> sent{0};
  alignas(64) std::atomic<uint64_t> answered{0};
};

constexpr uint64_t kNoMore = UINT64_MAX;

void AnswerSpinning(SpinExchange* exchange, int cpu) {
  PinTo(cpu);
  uint64_t seen = 0;
  while (seen != kNoMore) {
    const uint64_t sent = exchange->sent.load(std::memory_order_acquire);
    if (sent == seen) continue;
    seen = sent;
    exchange->answered.store(seen, std::memory_order_release);
  }
}

void MeasureSpinning(int other_cpu, WakeReading* reading) {
  SpinExchange exchange;
  std::thread spinner(AnswerSpinning, &exchange, other_cpu);
  std::vector<int64_t> times;
  times.reserve(kHandOvers);
  const int64_t until_ns = NowNs() + kTimeMaxNs;
  int64_t now_ns = NowNs();
  while (times.size() < kHandOvers && now_ns < until_ns) {
    const uint64_t number = times.size() + 1;
    const int64_t began_ns = NowNs();
    exchange.sent.store(number, std::memory_order_release);
    now_ns = began_ns;
    while (exchange.answered.load(std::memory_order_acquire) != number && now_ns < until_ns) {
      now_ns = NowNs();
    }
    now_ns = NowNs();
    times.push_back((now_ns - began_ns) / 2);
  }
  exchange.sent.store(kNoMore, std::memory_order_release);
  spinner.join();
  reading->spinning_p50_ns = Percentile(&times, 50);
}

}  // namespace

WakeReading MeasureWake(const std::vector<int>& cpus) {
  WakeReading reading;
  if (cpus.empty()) return reading;
  // In a thread of its own, so that the caller keeps its mask.
  std::thread measuring([&] {
    PinTo(cpus.front());
    MeasureSleeping(cpus.back(), &reading);
    if (cpus.size() > 1) MeasureSpinning(cpus.back(), &reading);
  });
  measuring.join();
  return reading;
}

Check JudgeWake(const WakeReading& reading) {
  const char* const kName = "wake-up";
  if (reading.sleeping_p50_ns == 0) {
    return {kName, Level::kWarning, "could not be measured: no eventfd, or no CPU time",
            "run weft doctor again on a machine that is not overloaded"};
  }
  const std::string found =
      absl::StrCat("a sleeping thread runs after ", cli::FormatDuration(reading.sleeping_p50_ns),
                   " (p99 ", cli::FormatDuration(reading.sleeping_p99_ns), ")");
  if (reading.sleeping_p50_ns <= kWakeGoodNs) return {kName, Level::kOk, found, ""};
  return {kName, Level::kWarning, found + ", which a task that finds weftd asleep pays twice",
          "if the CPUs are not merely busy: executor.idle = \"spin\" or a larger executor.spin_us, "
          "and shallow idle states (boot with processor.max_cstate=1, on a virtual machine "
          "idle=poll)"};
}

Check JudgeHandOver(const WakeReading& reading) {
  const char* const kName = "hand-over";
  if (reading.spinning_p50_ns == 0) {
    return {kName, Level::kOk, "not measured: it takes two CPUs", ""};
  }
  const std::string found = absl::StrCat("a spinning thread sees it after ",
                                         cli::FormatDuration(reading.spinning_p50_ns));
  if (reading.spinning_p50_ns <= kHandOverGoodNs) return {kName, Level::kOk, found, ""};
  return {kName, Level::kWarning, found + ": something else runs on these CPUs",
          "keep the CPUs of weftd free (isolcpus, AllowedCPUs= of other units, a smaller "
          "executor.worker_threads)"};
}

}  // namespace weft::doctor
