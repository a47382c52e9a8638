// One task alone on one thread that has done something else before: whose caches hold little, or
// nothing, of the core any more.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/pooled_fixedsize_stack.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include "hand_over.h"
#include "hand_turned_core.h"
#include "series.h"
#include "sys/clock.h"
#include "sys/io_operation.h"
#include "sys/io_system.h"

namespace weft::bench {
namespace {

constexpr int kSamples = 15;  // Of one figure of one round.

// Reads so much memory that what was in a cache of that size is there no more.
class Evictor {
 public:
  explicit Evictor(size_t bytes) : memory_(bytes / sizeof(uint64_t), 1) {}

  void Evict() {
    uint64_t sum = 0;
    for (size_t i = 0; i < memory_.size(); i += kLineBytes / sizeof(uint64_t)) sum += memory_[i];
    sum_ = sum;
  }

 private:
  static constexpr size_t kLineBytes = 64;

  std::vector<uint64_t> memory_;
  volatile uint64_t sum_ = 0;
};

// What one kind of executor did with its tasks, each a list of durations in ticks.
struct Stages {
  std::vector<sys::Ticks> launch_to_begin;
  std::vector<sys::Ticks> begin_to_done;
  std::vector<sys::Ticks> begin_to_suspend;
  std::vector<sys::Ticks> complete_to_resume;
};

// When the task of a sample reached its stages.
struct Stamps {
  sys::Ticks begun = 0;
  sys::Ticks resumed = 0;
  int64_t result = 0;
};

TaskOutcome StampBegin(void* state, TaskContext&) {
  static_cast<Stamps*>(state)->begun = sys::ReadTicks();
  return TaskOutcome::kSucceeded;
}

TaskOutcome StampAroundNop(void* state, TaskContext& context) {
  Stamps* const stamps = static_cast<Stamps*>(state);
  stamps->begun = sys::ReadTicks();
  sys::IoOperation operation{.kind = sys::IoKind::kNop};
  stamps->result = context.RunIo(operation);
  stamps->resumed = sys::ReadTicks();
  return TaskOutcome::kSucceeded;
}

// prepare(): before each stage. Empty lists when the core did not do exactly what it was to.
template <class Prepare>
Stages OnCore(HandTurnedCore* core, const Prepare& prepare) {
  Stages stages;
  Stamps stamps;
  TaskEntry plain;
  plain.run = &StampBegin;
  plain.state = &stamps;
  TaskEntry suspends;
  suspends.run = &StampAroundNop;
  suspends.state = &stamps;
  const uint64_t executed_before = core->executed();
  const uint64_t suspensions_before = core->suspensions();
  for (int i = 0; i < kSamples; ++i) {
    prepare();
    const sys::Ticks launched = sys::ReadTicks();
    core->Spawn(plain);
    core->Turn();
    const sys::Ticks done = sys::ReadTicks();
    stages.launch_to_begin.push_back(stamps.begun - launched);
    stages.begin_to_done.push_back(done - stamps.begun);

    prepare();
    core->Spawn(suspends);
    core->Turn();
    stages.begin_to_suspend.push_back(sys::ReadTicks() - stamps.begun);
    prepare();
    const sys::Ticks completed = sys::ReadTicks();
    core->Turn();
    stages.complete_to_resume.push_back(stamps.resumed - completed);
    if (stamps.result != 0 || stamps.resumed < completed) return {};
  }
  const bool agrees = core->executed() - executed_before == 2 * kSamples &&
                      core->suspensions() - suspensions_before == kSamples;
  return agrees ? stages : Stages{};
}

// run(&stamps): a task from its launch to its end.
template <class Run>
Stages OnPeer(Evictor* evictor, const Run& run) {
  Stages stages;
  Stamps stamps;
  for (int i = 0; i < kSamples; ++i) {
    evictor->Evict();
    const sys::Ticks launched = sys::ReadTicks();
    run(&stamps);
    const sys::Ticks done = sys::ReadTicks();
    stages.launch_to_begin.push_back(stamps.begun - launched);
    stages.begin_to_done.push_back(done - stamps.begun);
  }
  return stages;
}

Stages OnAsio(Evictor* evictor) {
  boost::asio::io_context context(1);
  return OnPeer(evictor, [&context](Stamps* stamps) {
    boost::asio::post(context, [stamps] { stamps->begun = sys::ReadTicks(); });
    context.restart();
    context.poll();
  });
}

Stages OnTbb(Evictor* evictor) {
  tbb::task_arena arena(1);
  Stages stages;
  arena.execute([&] {
    tbb::task_group group;
    stages = OnPeer(evictor, [&group](Stamps* stamps) {
      group.run([stamps] { stamps->begun = sys::ReadTicks(); });
      group.wait();
    });
  });
  return stages;
}

Stages OnBoostFiber(Evictor* evictor) {
  boost::fibers::pooled_fixedsize_stack stacks(64 * 1024);
  return OnPeer(evictor, [&stacks](Stamps* stamps) {
    boost::fibers::fiber fiber(boost::fibers::launch::post, std::allocator_arg, stacks,
                               [stamps] { stamps->begun = sys::ReadTicks(); });
    fiber.join();
  });
}

// One line between two readings of the clock, in pages that nothing else touches.
std::vector<sys::Ticks> TouchOneLine(Evictor* evictor) {
  constexpr size_t kPageBytes = 4096;
  std::vector<uint64_t> pages(3 * kPageBytes / sizeof(uint64_t), 1);
  const volatile uint64_t* const line = &pages[pages.size() / 2];
  std::vector<sys::Ticks> durations;
  for (int i = 0; i < kSamples; ++i) {
    evictor->Evict();
    const sys::Ticks began = sys::ReadTicks();
    static_cast<void>(*line);
    durations.push_back(sys::ReadTicks() - began);
  }
  return durations;
}

enum Peer : size_t { kFloor, kWarm, kAsio, kTbb, kBoostFiber };

// How cold the caches are.
struct Degree {
  const char* prefix;  // Of the names of its four rows.
  size_t read_bytes;   // Before each stage.
  const char* floor;
  bool has_targets;
};
// What one CPU has to itself is 48 KiB and 2 MiB here.
constexpr std::array<Degree, 2> kDegrees = {
    {{"cold", size_t{1} << 20, "one line not in the first cache (floor)", true},
     {"evicted", size_t{64} << 20, "one line in no cache of this CPU (floor)", false}}};
constexpr size_t kStages = 4;

std::vector<Row> MakeRows(const Settings& settings, const Degree& degree) {
  constexpr const char* kWarmName = "weft, caches as its last task left them";
  const auto all = [&degree] {
    return SeriesOf({degree.floor, kWarmName, "Boost.Asio post", "oneTBB task_group",
                     "Boost.Fiber pooled stack"});
  };
  const auto own = [&degree] { return SeriesOf({degree.floor, kWarmName}); };
  std::vector<Row> rows = {{"_launch_to_begin", all(), {.figure = 150}},
                           {"_begin_to_done", all(), {.figure = 60}},
                           {"_begin_to_suspend", own(), {.figure = 200}},
                           {"_complete_to_resume", own(), {.figure = 50}}};
  for (Row& row : rows) {
    row.name.insert(0, degree.prefix);
    if (!degree.has_targets) row.target = {};
    row.cpus = std::to_string(settings.near_cpu);
    row.idle = "none";
  }
  return rows;
}

void AddAll(const sys::Clock& clock, Stages stages, std::vector<Row>* rows,
            Series& (*series_of)(Row& row)) {
  const std::array<std::vector<sys::Ticks>*, kStages> lists = {
      &stages.launch_to_begin, &stages.begin_to_done, &stages.begin_to_suspend,
      &stages.complete_to_resume};
  for (size_t i = 0; i < lists.size(); ++i) {
    if (!lists[i]->empty()) series_of((*rows)[i]).Add(Quantile(clock, lists[i], 0.5));
  }
}

void MeasureRound(const sys::Clock& clock, HandTurnedCore* core, Evictor* evictor,
                  std::vector<Row>* rows) {
  AddAll(clock, OnCore(core, [evictor] { evictor->Evict(); }), rows,
         [](Row& row) -> Series& { return row.weft; });
  AddAll(clock, OnAsio(evictor), rows, [](Row& row) -> Series& { return row.peers[kAsio]; });
  AddAll(clock, OnTbb(evictor), rows, [](Row& row) -> Series& { return row.peers[kTbb]; });
  AddAll(clock, OnBoostFiber(evictor), rows,
         [](Row& row) -> Series& { return row.peers[kBoostFiber]; });
  OnCore(core, [] {});  // Warms up.
  AddAll(clock, OnCore(core, [] {}), rows, [](Row& row) -> Series& { return row.peers[kWarm]; });
  std::vector<sys::Ticks> touches = TouchOneLine(evictor);
  for (Row& row : *rows) row.peers[kFloor].Add(Quantile(clock, &touches, 0.5));
}

}  // namespace

void MeasureCold(const Settings& settings, std::vector<Row>* rows) {
  const sys::Clock clock;
  auto system = sys::IoSystem::Open({}, 1, {settings.near_cpu});
  std::unique_ptr<HandTurnedCore> core;
  if (system.ok()) {
    core = std::make_unique<HandTurnedCore>(clock, HandTurnedCore::Options{.rings = system->get()});
  }
  for (const Degree& degree : kDegrees) {
    std::vector<Row> measured = MakeRows(settings, degree);
    Evictor evictor(degree.read_bytes);
    const bool can_run = core != nullptr && core->is_prepared();
    for (int round = 0; can_run && round < settings.rounds; ++round) {
      MeasureRound(clock, core.get(), &evictor, &measured);
    }
    for (Row& row : measured) {
      if (row.weft.size() != static_cast<size_t>(settings.rounds)) {
        row.error = "the core did not do exactly what it was asked to, or could not be prepared";
      }
      rows->push_back(std::move(row));
    }
  }
}

}  // namespace weft::bench
