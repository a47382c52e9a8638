#include "embed/core_group.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "async/frame_home.h"
#include "async/remote_waiter.h"
#include "core/core.h"
#include "core/doorbell.h"
#include "sys/clock.h"
#include "sys/futex.h"
#include "sys/io_system.h"
#include "sys/prod_env.h"

namespace weft {
namespace {

using RealCore = Core<sys::ProdEnv>;

// How long Quiesce waits before it looks again: nobody tells it of an end.
constexpr int64_t kQuiesceLookNs = 200'000;
constexpr uint32_t kMostBlockingThreads = 4096;

// Each of its tasks needs a stack to wait on while a thread runs it, and little of it.
CoreOptions PoolOptionsOf(const CoreGroupOptions& options) {
  CoreOptions pool = CoreOptionsOf(options.executor);
  pool.idle = IdlePolicy::kSleep;
  pool.stacks = options.blocking_threads;
  pool.stacks_kept = options.blocking_threads;
  pool.blocking.threads_max = options.blocking_threads;
  return pool;
}

}  // namespace

struct CoreGroup::Engine {
  absl::Status Start(const CoreGroupOptions& options) {
    const std::vector<int> cpus = options.cpus.empty() ? std::vector<int>{-1} : options.cpus;
    auto opened = sys::IoSystem::Open(options.executor.io, cpus.size(), {});
    if (!opened.ok()) return opened.status();
    io = *std::move(opened);
    for (const int cpu : cpus) {
      CoreOptions core = CoreOptionsOf(options.executor);
      core.cpu = cpu;
      Add(core);
    }
    size = cores.size();
    on_refused_index = options.on_refused_index;
    if (options.blocking_threads > 0) Add(PoolOptionsOf(options));
    for (const auto& core : cores) {
      if (absl::Status status = core->Start(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  void Add(CoreOptions options) {
    options.index = static_cast<uint32_t>(cores.size());
    cores.push_back(
        std::make_unique<RealCore>(options, sys::ProdEnv(clock.anchor(), io.get()), doorbell));
  }

  sys::Clock clock;
  Doorbell doorbell;
  std::unique_ptr<sys::IoSystem> io;
  CancellationToken shutdown;
  size_t size = 0;
  std::atomic<uint64_t> refused_indexes{0};
  std::function<void(size_t, size_t)> on_refused_index;
  std::vector<std::unique_ptr<RealCore>> cores;  // Then the pool's.
};

absl::StatusOr<std::unique_ptr<CoreGroup>> CoreGroup::Start(const CoreGroupOptions& options) {
  if (absl::Status status = CheckExecutorOptions(options.executor); !status.ok()) return status;
  if (options.blocking_threads > kMostBlockingThreads) {
    return absl::InvalidArgumentError(absl::StrCat("blocking_threads: ", options.blocking_threads,
                                                   " is not right, expected 0 to ",
                                                   kMostBlockingThreads));
  }
  auto engine = std::make_unique<Engine>();
  if (absl::Status status = engine->Start(options); !status.ok()) return status;
  return std::unique_ptr<CoreGroup>(new CoreGroup(std::move(engine)));
}

CoreGroup::CoreGroup(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

// All threads end before the first core goes: their tasks may know one another.
CoreGroup::~CoreGroup() {
  for (const auto& core : engine_->cores) core->Stop();
}

size_t CoreGroup::size() const { return engine_->size; }
uint32_t CoreGroup::stacks() const { return engine_->cores.front()->options().stacks; }

absl::StatusOr<TaskHost*> CoreGroup::CoreAt(size_t index) {
  if (index < size()) return engine_->cores[index].get();
  engine_->refused_indexes.fetch_add(1, std::memory_order_relaxed);
  if (engine_->on_refused_index) engine_->on_refused_index(index, size());
  return absl::OutOfRangeError(
      absl::StrCat("core ", index, " is not there, expected 0 to ", size() - 1));
}

uint64_t CoreGroup::refused_indexes() const {
  return engine_->refused_indexes.load(std::memory_order_relaxed);
}

TaskHost* CoreGroup::pool() {
  return engine_->cores.size() > size() ? engine_->cores.back().get() : nullptr;
}

const CancellationToken& CoreGroup::shutdown() const { return engine_->shutdown; }

absl::StatusOr<HeldTasks> CoreGroup::Quiesce(int64_t timeout_ns) {
  if (TaskHost::IsTurning()) {
    return absl::FailedPreconditionError("a thread that runs tasks must not wait for all of them");
  }
  engine_->shutdown.Cancel();
  std::atomic<uint32_t> nobody{0};
  const int64_t began_ns = RemoteWaiter::ThreadNowNs();
  for (;;) {
    const int64_t left_ns = timeout_ns - (RemoteWaiter::ThreadNowNs() - began_ns);
    if (held().is_none() || left_ns <= 0) return held();
    sys::FutexWait(nobody, 0, std::min(left_ns, kQuiesceLookNs));
  }
}

HeldTasks CoreGroup::held() const {
  uint64_t freed = 0;
  uint64_t ended = 0;
  uint64_t spawned = 0;
  for (const auto& core : engine_->cores) freed += core->frames()->freed();
  for (const auto& core : engine_->cores) ended += core->frames()->ended();
  for (const auto& core : engine_->cores) spawned += core->frames()->spawned();
  return {.live = spawned - ended, .handles = ended - freed};
}

}  // namespace weft
