// A task from nothing to nothing on one thread: spawn, run, tear down; one by one and 64 at a time.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include "hand_turned_core.h"
#include "pace.h"
#include "series.h"
#include "sys/clock.h"

namespace weft::bench {
namespace {

constexpr int kMostAtOnce = 64;

uint64_t g_runs = 0;

TaskOutcome CountRun(void*, TaskContext&) {
  ++g_runs;
  return TaskOutcome::kSucceeded;
}

// Nanoseconds a task; below 0 when the core's counter and the runs differ. The handler may suspend,
// so it runs on a runner's stack.
double OnCore(HandTurnedCore* core, const sys::Clock& clock, double seconds, int at_once) {
  TaskEntry entry;
  entry.run = &CountRun;
  const uint64_t runs_before = g_runs;
  const uint64_t executed_before = core->executed();
  const double figure =
      PerOperation(clock, seconds, static_cast<uint64_t>(at_once), [core, &entry, at_once] {
        for (int i = 0; i < at_once; ++i) core->Spawn(entry);
        core->Turn();
      });
  return core->executed() - executed_before == g_runs - runs_before ? figure : -1;
}

double AsioPost(const sys::Clock& clock, double seconds, int at_once) {
  boost::asio::io_context context(1);
  return PerOperation(clock, seconds, static_cast<uint64_t>(at_once), [&context, at_once] {
    for (int i = 0; i < at_once; ++i) boost::asio::post(context, [] { ++g_runs; });
    context.restart();
    context.poll();
  });
}

double TbbTaskGroup(const sys::Clock& clock, double seconds, int at_once) {
  tbb::task_arena arena(1);
  double figure = 0;
  arena.execute([&] {
    tbb::task_group group;
    figure = PerOperation(clock, seconds, static_cast<uint64_t>(at_once), [&group, at_once] {
      for (int i = 0; i < at_once; ++i) group.run([] { ++g_runs; });
      group.wait();
    });
  });
  return figure;
}

double ContextFiber(const sys::Clock& clock, double seconds, int at_once) {
  boost::context::pooled_fixedsize_stack stacks(64 * 1024);
  return PerOperation(clock, seconds, static_cast<uint64_t>(at_once), [&stacks, at_once] {
    for (int i = 0; i < at_once; ++i) {
      boost::context::fiber fiber(std::allocator_arg, stacks, [](boost::context::fiber&& back) {
        ++g_runs;
        return std::move(back);
      });
      fiber = std::move(fiber).resume();
    }
  });
}

double BoostFiber(const sys::Clock& clock, double seconds, int at_once) {
  boost::fibers::pooled_fixedsize_stack stacks(64 * 1024);
  std::array<boost::fibers::fiber, kMostAtOnce> fibers;
  return PerOperation(clock, seconds, static_cast<uint64_t>(at_once), [&] {
    for (int i = 0; i < at_once; ++i) {
      fibers[static_cast<size_t>(i)] = boost::fibers::fiber(
          boost::fibers::launch::post, std::allocator_arg, stacks, [] { ++g_runs; });
    }
    for (int i = 0; i < at_once; ++i) fibers[static_cast<size_t>(i)].join();
  });
}

double ReadClockOnce(const sys::Clock& clock, double seconds) {
  return PerOperation(clock, seconds, kMostAtOnce, [] {
    for (int i = 0; i < kMostAtOnce; ++i) {
      g_runs += static_cast<uint64_t>(sys::ReadTicksUnordered() & 1);
    }
  });
}

// A ring of functions, filled and then emptied by calling each: no priority, no time, no stack.
double RawQueue(const sys::Clock& clock, double seconds) {
  using Function = void (*)();
  const Function run = [] { ++g_runs; };
  std::vector<Function> ring(kMostAtOnce);
  volatile size_t mask = kMostAtOnce - 1;  // Not to be seen through by the compiler.
  size_t head = 0;
  size_t tail = 0;
  return PerOperation(clock, seconds, kMostAtOnce, [&] {
    for (int i = 0; i < kMostAtOnce; ++i) ring[tail++ & mask] = run;
    while (head != tail) ring[head++ & mask]();
  });
}

using Measure = double (*)(const sys::Clock& clock, double seconds, int at_once);
constexpr std::array<Measure, 4> kPeers = {&AsioPost, &TbbTaskGroup, &ContextFiber, &BoostFiber};

std::vector<Row> MakeRows(const Settings& settings) {
  const auto peers = [](const char* floor) {
    return SeriesOf({floor, "Boost.Asio post", "oneTBB task_group", "Boost.Context pooled stack",
                     "Boost.Fiber pooled stack"});
  };
  const char* const read = "one TSC read (floor)";
  std::vector<Row> rows = {
      {"spawn_run_teardown_timed_b1", peers(read), {.figure = 25, .times = 3.1}},
      {"spawn_run_teardown_timed_b64", peers(read), {.figure = 25, .times = 3.1}},
      {"spawn_run_teardown_untimed_b64", peers("ring of functions (floor)"), {.figure = 9}}};
  for (Row& row : rows) {
    row.cpus = std::to_string(settings.near_cpu);
    row.idle = "none";
  }
  return rows;
}

void MeasureRound(const sys::Clock& clock, double seconds, HandTurnedCore* timed,
                  HandTurnedCore* untimed, std::vector<Row>* rows) {
  Row& one = (*rows)[0];
  Row& many = (*rows)[1];
  Row& many_untimed = (*rows)[2];
  one.weft.Add(OnCore(timed, clock, seconds, 1));
  for (size_t i = 0; i < kPeers.size(); ++i) one.peers[i + 1].Add(kPeers[i](clock, seconds, 1));
  many.weft.Add(OnCore(timed, clock, seconds, kMostAtOnce));
  many_untimed.weft.Add(OnCore(untimed, clock, seconds, kMostAtOnce));
  for (size_t i = 0; i < kPeers.size(); ++i) {
    const double figure = kPeers[i](clock, seconds, kMostAtOnce);
    many.peers[i + 1].Add(figure);
    many_untimed.peers[i + 1].Add(figure);
  }
  const double read = ReadClockOnce(clock, seconds);
  one.peers[0].Add(read);
  many.peers[0].Add(read);
  many_untimed.peers[0].Add(RawQueue(clock, seconds));
}

}  // namespace

void MeasureSpawn(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  HandTurnedCore timed(clock, {});
  HandTurnedCore untimed(clock, {.is_timed = false});
  std::vector<Row> measured = MakeRows(settings);
  if (timed.is_prepared() && untimed.is_prepared()) {
    OnCore(&timed, clock, settings.seconds, kMostAtOnce);  // Warms up.
    OnCore(&untimed, clock, settings.seconds, kMostAtOnce);
    for (int round = 0; round < settings.rounds; ++round) {
      MeasureRound(clock, settings.seconds, &timed, &untimed, &measured);
    }
  }
  for (Row& row : measured) {
    if (row.weft.empty()) {
      row.error = "the core could not be prepared";
    } else if (row.weft.Min() < 0) {
      row.error = "the core's counter and the runs differ";
    }
    rows->push_back(std::move(row));
  }
}

}  // namespace weft::bench
