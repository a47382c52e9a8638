#include "embed/turned_executor.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "core/core.h"
#include "core/doorbell.h"
#include "executor/mail.h"
#include "sys/io_system.h"
#include "sys/prod_env.h"

namespace weft {
namespace {

// How long Quiesce waits before it looks at what others hold.
constexpr int64_t kQuiesceLookNs = 1'000'000;

absl::Status WithinTask() {
  return absl::FailedPreconditionError("a task must not make or turn an executor on its thread");
}

}  // namespace

// Where it stays: mail and clock are found by address.
struct TurnedExecutor::Engine {
  struct WakeMail : Mail {
    bool was_woken = false;  // Core's thread only.
    std::atomic<bool> is_sent{false};
  };

  absl::Status Start(const ExecutorOptions& options) {
    auto opened = sys::IoSystem::Open(options.io, 1, {});
    if (!opened.ok()) return opened.status();
    io = *std::move(opened);
    wake.open = [](Mail& mail) {
      auto& self = static_cast<WakeMail&>(mail);
      self.was_woken = true;
      self.is_sent.store(false, std::memory_order_release);
    };
    core.emplace(CoreOptionsOf(options), sys::ProdEnv(clock.anchor(), io.get()), doorbell);
    if (absl::Status status = core->Prepare(); !status.ok()) return status;
    core->TakeThread();
    return absl::OkStatus();
  }

  sys::Clock clock;
  Doorbell doorbell;
  std::unique_ptr<sys::IoSystem> io;
  WakeMail wake;
  std::optional<Core<sys::ProdEnv>> core;
};

absl::StatusOr<std::unique_ptr<TurnedExecutor>> TurnedExecutor::Make(
    const ExecutorOptions& options) {
  if (absl::Status status = CheckExecutorOptions(options); !status.ok()) return status;
  if (TaskHost::IsTurning()) return WithinTask();
  auto engine = std::make_unique<Engine>();
  if (absl::Status status = engine->Start(options); !status.ok()) return status;
  return std::unique_ptr<TurnedExecutor>(new TurnedExecutor(std::move(engine)));
}

TurnedExecutor::TurnedExecutor(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
TurnedExecutor::~TurnedExecutor() = default;

TaskHost& TurnedExecutor::host() { return *engine_->core; }
uint64_t TurnedExecutor::live() const { return engine_->core->frames()->live(); }
uint64_t TurnedExecutor::outstanding() const { return engine_->core->frames()->outstanding(); }
bool TurnedExecutor::has_ready() const { return engine_->core->has_ready(); }
uint32_t TurnedExecutor::stacks() const { return engine_->core->options().stacks; }
std::string_view TurnedExecutor::io_backend() const { return engine_->io->backend(); }
const sys::ClockAnchor& TurnedExecutor::anchor() const { return engine_->clock.anchor(); }

absl::Status TurnedExecutor::CheckCaller() const {
  if (std::this_thread::get_id() != thread_) {
    return absl::FailedPreconditionError("the executor is turned by the thread that made it only");
  }
  if (TaskHost::IsTurning()) return WithinTask();
  return absl::OkStatus();
}

size_t TurnedExecutor::TurnOnce(size_t max_items) {
  const auto polls = static_cast<uint32_t>(std::min<size_t>(max_items, TurnBudget::kMostPolls));
  engine_->core->SetBudget({.polls = polls});
  const uint64_t before = engine_->core->given();
  const TaskHost::Turning turning;
  engine_->core->Turn();
  return engine_->core->given() - before;
}

absl::StatusOr<size_t> TurnedExecutor::Run(size_t max_items, std::optional<int64_t> timeout_ns) {
  if (absl::Status status = CheckCaller(); !status.ok()) return status;
  if (max_items == 0) {
    return absl::InvalidArgumentError("max_items: 0 is not right, expected 1 or more");
  }
  if (timeout_ns.value_or(0) < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("timeout_ns: ", *timeout_ns, " is not right, expected 0 or more"));
  }
  sys::Ticks until = sys::kTicksForever;
  if (timeout_ns.has_value()) {
    const sys::Ticks now = sys::ReadTicks();
    const sys::Ticks timeout = engine_->clock.anchor().NsToTicks(*timeout_ns);
    until = timeout < sys::kTicksForever - now ? now + timeout : sys::kTicksForever;
  }
  size_t items = TurnOnce(max_items);
  while (items == 0 && !engine_->wake.was_woken && sys::ReadTicks() < until) {
    engine_->core->Idle(until);
    items = TurnOnce(max_items);
  }
  engine_->wake.was_woken = false;
  return items;
}

absl::StatusOr<TurnedExecutor::Polled> TurnedExecutor::PollOnce(size_t max_items) {
  const auto items = Run(max_items, 0);
  if (!items.ok()) return items.status();
  const sys::Ticks next = engine_->core->next_timer();
  return Polled{*items,
                next == sys::kTicksForever ? kNoEnd : engine_->clock.anchor().TicksToNs(next)};
}

void TurnedExecutor::Wake() {
  if (!engine_->wake.is_sent.exchange(true, std::memory_order_acq_rel))
    engine_->core->Deliver(engine_->wake);
}

void TurnedExecutor::RequestShutdown() {
  shutdown_.Cancel();
  Wake();
}

absl::StatusOr<HeldTasks> TurnedExecutor::Quiesce(int64_t timeout_ns) {
  return TurnUntil([](const HeldTasks& held) { return held.is_none(); }, timeout_ns);
}

absl::StatusOr<HeldTasks> TurnedExecutor::QuiesceTasks(int64_t timeout_ns) {
  return TurnUntil([](const HeldTasks& held) { return held.live == 0; }, timeout_ns);
}

absl::StatusOr<HeldTasks> TurnedExecutor::TurnUntil(bool (*is_over)(const HeldTasks& held),
                                                    int64_t timeout_ns) {
  if (absl::Status status = CheckCaller(); !status.ok()) return status;
  shutdown_.Cancel();
  const int64_t now_ns = engine_->core->HostNowNs();
  const int64_t until_ns = timeout_ns < kNoEnd - now_ns ? now_ns + timeout_ns : kNoEnd;
  for (;;) {
    // What others still hold is let go of by nobody's wake.
    const int64_t left_ns =
        std::min<int64_t>(until_ns - engine_->core->HostNowNs(), kQuiesceLookNs);
    if (is_over(held()) || left_ns <= 0) return held();
    if (const auto items = Run(kBlockItems, left_ns); !items.ok()) return items.status();
  }
}

HeldTasks TurnedExecutor::held() const {
  const uint64_t live_now = live();
  const uint64_t all = outstanding();
  return {.live = live_now, .handles = all - std::min(all, live_now)};
}

}  // namespace weft
