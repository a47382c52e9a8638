// What a task costs behind the seam: time from giving it to an executor to its end, and memory. For
// the page docs/executors.md; prints one JSON object a row. Rounds alternate over all rows, a
// figure is the median.
#include <malloc.h>
#include <sched.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "embed/core_executor.h"
#include "embed/turned_executor.h"
#include "executor/asio_executor.h"
#include "executor/coroutine_body.h"
#include "executor/fallback_executor.h"
#include "executor/function_body.h"
#include "executor/handler_body.h"
#include "hand_turned_core.h"
#include "series.h"
#include "sys/clock.h"

namespace {

// What was allocated and not yet freed.
size_t live_bytes = 0;

void* Allocate(void* memory) {
  if (memory == nullptr) std::abort();
  live_bytes += ::malloc_usable_size(memory);
  return memory;
}
void Release(void* memory) {
  live_bytes -= ::malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(size_t bytes) { return Allocate(std::malloc(bytes)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  const auto least = static_cast<size_t>(alignment);
  return Allocate(std::aligned_alloc(least, (bytes + least - 1) / least * least));
}
void operator delete(void* memory) noexcept { Release(memory); }
void operator delete(void* memory, size_t) noexcept { Release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Release(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { Release(memory); }

namespace weft::bench {
namespace {

uint64_t g_runs = 0;

int64_t CpuNs() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Nanoseconds of one task, of which step() runs so many, again and again for the time given. Of the
// thread's CPU time, so that what else runs on the machine is not counted.
template <class Step>
double PerTask(double seconds, int at_once, const Step& step) {
  constexpr int kStepsBetweenLooks = 64;
  const auto length_ns = static_cast<int64_t>(seconds * 1e9);
  const int64_t began_ns = CpuNs();
  int64_t took_ns = 0;
  uint64_t tasks = 0;
  while (took_ns < length_ns) {
    for (int i = 0; i < kStepsBetweenLooks; ++i) step();
    tasks += kStepsBetweenLooks * static_cast<uint64_t>(at_once);
    took_ns = CpuNs() - began_ns;
  }
  return static_cast<double>(took_ns) / static_cast<double>(tasks);
}

TaskOutcome CountRun(void*, TaskContext&) {
  ++g_runs;
  return TaskOutcome::kSucceeded;
}

TaskEntry CountingEntry() {
  TaskEntry entry;
  entry.run = &CountRun;
  entry.never_suspends = true;
  return entry;
}

// As in weftd: a core runs the task, by itself or by the executor.
double InCore(const sys::Clock& clock, double seconds, int at_once, Executor* executor) {
  HandTurnedCore core(clock, {});
  const TaskEntry entry = CountingEntry();
  std::optional<ExecutorEntry> seat;
  if (executor != nullptr) seat.emplace(entry, *executor, "bench");
  const TaskEntry& given = seat ? seat->twin() : entry;
  return PerTask(seconds, at_once, [&] {
    for (int i = 0; i < at_once; ++i) core.Spawn(given);
    core.Turn();
  });
}

// The executor by itself, polled by its owner.
double ByItself(double seconds, int at_once, Executor& executor) {
  const auto run = [] { ++g_runs; };
  std::deque<FunctionBody<decltype(run)>> bodies;
  for (int i = 0; i < at_once; ++i) bodies.emplace_back(run);
  return PerTask(seconds, at_once, [&] {
    for (TaskBody& body : bodies) executor.Spawn(body);
    executor.PollOnce();
  });
}

CoroutineTask<void> Count() {
  ++g_runs;
  co_await NextPoll();
}

// A coroutine of two polls, its frame included.
double AsCoroutine(double seconds, Executor& executor) {
  return PerTask(seconds, 1, [&executor] {
    CoroutineBody body(Count());
    executor.BlockOn(body);
  });
}

constexpr int kHeld = 32;

// Of 32 tasks that wait for a time, what each takes of the heap; the bodies are ours.
double HeapPerTask(Executor& executor) {
  constexpr int64_t kHourNs = 3'600'000'000'000;
  const auto wait = [](const BodyContext& context) {
    return BodyStep::At(context.now_ns + kHourNs);
  };
  std::deque<FunctionBody<decltype(wait)>> bodies;
  for (int i = 0; i < kHeld; ++i) bodies.emplace_back(wait);
  const size_t before = live_bytes;
  for (TaskBody& body : bodies) executor.Spawn(body);
  executor.PollOnce();
  const size_t after = live_bytes;
  executor.Shutdown();
  return static_cast<double>(after - before) / kHeld;
}

struct Measured {
  const char* name;
  const char* unit;
  std::function<double()> measure;
  Series figures{""};
};

std::vector<Measured> MakeRows(const sys::Clock& clock, double seconds) {
  static FallbackExecutor fallback;
  static AsioExecutor asio;
  static const std::unique_ptr<TurnedExecutor> turned = *TurnedExecutor::Make();
  static CoreExecutor cores(*turned);
  std::vector<Measured> rows;
  const auto add = [&rows](const char* name, const char* unit, std::function<double()> measure) {
    rows.push_back({name, unit, std::move(measure)});
  };
  add("in_core_core_b1", "ns", [&, seconds] { return InCore(clock, seconds, 1, nullptr); });
  add("in_core_fallback_b1", "ns", [&, seconds] { return InCore(clock, seconds, 1, &fallback); });
  add("in_core_asio_b1", "ns", [&, seconds] { return InCore(clock, seconds, 1, &asio); });
  add("in_core_core_b32", "ns", [&, seconds] { return InCore(clock, seconds, 32, nullptr); });
  add("in_core_fallback_b32", "ns", [&, seconds] { return InCore(clock, seconds, 32, &fallback); });
  add("in_core_asio_b32", "ns", [&, seconds] { return InCore(clock, seconds, 32, &asio); });
  add("by_itself_fallback_b1", "ns", [&, seconds] { return ByItself(seconds, 1, fallback); });
  add("by_itself_asio_b1", "ns", [&, seconds] { return ByItself(seconds, 1, asio); });
  add("by_itself_fallback_b32", "ns", [&, seconds] { return ByItself(seconds, 32, fallback); });
  add("by_itself_core_b1", "ns", [&, seconds] { return ByItself(seconds, 1, cores); });
  add("by_itself_core_b32", "ns", [&, seconds] { return ByItself(seconds, 32, cores); });
  add("by_itself_asio_b32", "ns", [&, seconds] { return ByItself(seconds, 32, asio); });
  add("coroutine_fallback", "ns", [&, seconds] { return AsCoroutine(seconds, fallback); });
  add("coroutine_core", "ns", [&, seconds] { return AsCoroutine(seconds, cores); });
  add("coroutine_asio", "ns", [&, seconds] { return AsCoroutine(seconds, asio); });
  add("object_fallback", "bytes", [] { return static_cast<double>(sizeof(FallbackExecutor)); });
  add("object_asio", "bytes", [] {
    const size_t before = live_bytes;
    const AsioExecutor executor;
    return static_cast<double>(live_bytes - before + sizeof(executor));
  });
  add("object_core", "bytes", [&clock] {
    const size_t before = live_bytes;
    const HandTurnedCore core(clock, {});
    return static_cast<double>(live_bytes - before + sizeof(core));
  });
  add("heap_per_task_fallback", "bytes", [] {
    FallbackExecutor executor;
    return HeapPerTask(executor);
  });
  add("heap_per_task_asio", "bytes", [] {
    AsioExecutor executor;
    return HeapPerTask(executor);
  });
  return rows;
}

int Main(int argc, char** argv) {
  int rounds = 7;
  double seconds = 0.1;
  if (argc == 3) {
    rounds = std::atoi(argv[1]);
    seconds = std::atof(argv[2]);
  }
  if ((argc != 1 && argc != 3) || rounds <= 0 || seconds <= 0) {
    std::fprintf(stderr, "weft_executor_bench [ROUNDS SECONDS]\n  as a rule 7 and 0.1\n");
    return 64;
  }
  const sys::Clock clock;
  std::vector<Measured> rows = MakeRows(clock, seconds);
  for (int round = 0; round < rounds; ++round) {
    for (Measured& row : rows) row.figures.Add(row.measure());
  }
  for (const Measured& row : rows) {
    std::printf("{\"name\":\"%s\",\"unit\":\"%s\",\"weft\":%.1f,\"min\":%.1f,\"max\":%.1f}\n",
                row.name, row.unit, row.figures.Median(), row.figures.Min(), row.figures.Max());
  }
  return 0;
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) { return weft::bench::Main(argc, argv); }
