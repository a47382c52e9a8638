// A task from nothing to nothing on one thread: spawn, run, tear down; in batches of 64.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include "core/core.h"
#include "series.h"
#include "sys/clock.h"
#include "sys/prod_env.h"

namespace weft::bench {
namespace {

constexpr int kBatch = 64;
constexpr int kBatchesBetweenLooks = 64;

uint64_t g_runs = 0;

// Nanoseconds of one of kBatch, running `batch` again and again for the time given.
template <class Batch>
double PerTask(const sys::Clock& clock, double seconds, const Batch& batch) {
  const sys::Ticks length = clock.anchor().NsToTicks(static_cast<int64_t>(seconds * 1e9));
  const sys::Ticks began = sys::ReadTicks();
  sys::Ticks now = began;
  uint64_t tasks = 0;
  while (now - began < length) {
    for (int i = 0; i < kBatchesBetweenLooks; ++i) batch();
    tasks += uint64_t{kBatchesBetweenLooks} * kBatch;
    now = sys::ReadTicks();
  }
  return static_cast<double>(clock.anchor().TicksToNs(now - began)) / static_cast<double>(tasks);
}

TaskOutcome CountRun(void*, TaskContext&) {
  ++g_runs;
  return TaskOutcome::kSucceeded;
}

// The core as users get it, turned by hand: its levels, bounds, statistics and clock are on, and
// the handler may suspend, so that it runs on a runner's stack.
class HandTurnedCore {
 public:
  explicit HandTurnedCore(const sys::Clock& clock) {
    entry_.run = &CountRun;
    CoreOptions options;
    options.handler_count = 1;
    options.local_slots = kBatch;
    options.budget.polls = kBatch;
    core_ = std::make_unique<Core<sys::ProdEnv>>(options, sys::ProdEnv(clock.anchor()), doorbell_);
    prepared_ = core_->Prepare().ok();
  }

  void Batch() {
    for (int i = 0; i < kBatch; ++i) core_->Spawn(entry_, {}, Priority::kNormal);
    core_->Turn();
  }
  bool prepared() const { return prepared_; }
  uint64_t executed() const { return core_->stats().executed.value(); }

 private:
  Doorbell doorbell_;
  TaskEntry entry_;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
  bool prepared_ = false;
};

double AsioPost(const sys::Clock& clock, double seconds) {
  boost::asio::io_context context(1);
  return PerTask(clock, seconds, [&context] {
    for (int i = 0; i < kBatch; ++i) boost::asio::post(context, [] { ++g_runs; });
    context.restart();
    context.poll();
  });
}

double TbbTaskGroup(const sys::Clock& clock, double seconds) {
  tbb::task_arena arena(1);
  double result = 0;
  arena.execute([&] {
    tbb::task_group group;
    result = PerTask(clock, seconds, [&group] {
      for (int i = 0; i < kBatch; ++i) group.run([] { ++g_runs; });
      group.wait();
    });
  });
  return result;
}

double ContextFiber(const sys::Clock& clock, double seconds) {
  boost::context::pooled_fixedsize_stack stacks(64 * 1024);
  return PerTask(clock, seconds, [&stacks] {
    for (int i = 0; i < kBatch; ++i) {
      boost::context::fiber fiber(std::allocator_arg, stacks, [](boost::context::fiber&& back) {
        ++g_runs;
        return std::move(back);
      });
      fiber = std::move(fiber).resume();
    }
  });
}

double ReadClockOnce(const sys::Clock& clock, double seconds) {
  return PerTask(clock, seconds, [] {
    for (int i = 0; i < kBatch; ++i) g_runs += static_cast<uint64_t>(sys::ReadTicks() & 1);
  });
}

}  // namespace

bool MeasureSpawn(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  HandTurnedCore core(clock);
  if (!core.prepared()) return false;
  Row row;
  row.name = "spawn_run_teardown_timed_b64";
  row.cpus = std::to_string(settings.near_cpu);
  row.idle = "none";
  row.peers = {Series("one TSC read (floor)"), Series("Boost.Asio post"),
               Series("oneTBB task_group"), Series("Boost.Context pooled stack")};
  PerTask(clock, settings.seconds, [&core] { core.Batch(); });  // Warms up.
  for (int round = 0; round < settings.rounds; ++round) {
    const uint64_t runs_before = g_runs;
    const uint64_t executed_before = core.executed();
    row.weft.Add(PerTask(clock, settings.seconds, [&core] { core.Batch(); }));
    if (core.executed() - executed_before != g_runs - runs_before) {
      std::fprintf(stderr, "the core's counter and the runs differ\n");
      return false;
    }
    row.peers[1].Add(AsioPost(clock, settings.seconds));
    row.peers[2].Add(TbbTaskGroup(clock, settings.seconds));
    row.peers[3].Add(ContextFiber(clock, settings.seconds));
    const double read = ReadClockOnce(clock, settings.seconds);
    row.floor.Add(read);
    row.peers[0].Add(read);
  }
  rows->push_back(std::move(row));
  return true;
}

}  // namespace weft::bench
