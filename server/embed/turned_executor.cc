#include "embed/turned_executor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weft {

absl::StatusOr<std::unique_ptr<TurnedExecutor>> TurnedExecutor::Make(
    const ExecutorOptions& options) {
  if (absl::Status status = CheckExecutorOptions(options); !status.ok()) return status;
  std::unique_ptr<TurnedExecutor> executor(new TurnedExecutor(options));
  if (absl::Status status = executor->Start(); !status.ok()) return status;
  return executor;
}

absl::Status TurnedExecutor::Start() {
  auto io = sys::IoSystem::Open(options_.io, 1, {});
  if (!io.ok()) return io.status();
  io_ = *std::move(io);
  wake_.executor = this;
  wake_.open = [](Mail& mail) {
    auto& wake = static_cast<WakeMail&>(mail);
    wake.executor->was_woken_ = true;
    wake.is_sent.store(false, std::memory_order_release);
  };
  core_ = std::make_unique<Core<sys::ProdEnv>>(CoreOptionsOf(options_),
                                               sys::ProdEnv(clock_.anchor(), io_.get()), doorbell_);
  if (absl::Status status = core_->Prepare(); !status.ok()) return status;
  core_->TakeThread();
  return absl::OkStatus();
}

TurnedExecutor::~TurnedExecutor() = default;

absl::Status TurnedExecutor::CheckCaller() const {
  if (std::this_thread::get_id() != thread_) {
    return absl::FailedPreconditionError("the executor is turned by the thread that made it only");
  }
  if (is_turning_) {
    return absl::FailedPreconditionError("a task must not turn the executor that runs it");
  }
  return absl::OkStatus();
}

size_t TurnedExecutor::TurnOnce(size_t max_items) {
  const auto polls = static_cast<uint32_t>(std::min<size_t>(max_items, TurnBudget::kMostPolls));
  core_->SetBudget({.polls = polls});
  const uint64_t before = core_->given();
  is_turning_ = true;
  core_->Turn();
  is_turning_ = false;
  return core_->given() - before;
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
    const sys::Ticks timeout = clock_.anchor().NsToTicks(*timeout_ns);
    until = timeout < sys::kTicksForever - now ? now + timeout : sys::kTicksForever;
  }
  size_t items = TurnOnce(max_items);
  while (items == 0 && !was_woken_ && sys::ReadTicks() < until) {
    core_->Idle(until);
    items = TurnOnce(max_items);
  }
  was_woken_ = false;
  return items;
}

absl::StatusOr<TurnedExecutor::Polled> TurnedExecutor::PollOnce(size_t max_items) {
  const auto items = Run(max_items, 0);
  if (!items.ok()) return items.status();
  const sys::Ticks next = core_->next_timer();
  return Polled{*items, next == sys::kTicksForever ? kNoEnd : clock_.anchor().TicksToNs(next)};
}

void TurnedExecutor::Wake() {
  if (!wake_.is_sent.exchange(true, std::memory_order_acq_rel)) core_->Deliver(wake_);
}

void TurnedExecutor::RequestShutdown() {
  shutdown_.Cancel();
  Wake();
}

absl::StatusOr<HeldTasks> TurnedExecutor::Quiesce(int64_t timeout_ns) {
  if (absl::Status status = CheckCaller(); !status.ok()) return status;
  shutdown_.Cancel();
  const int64_t until_ns = core_->HostNowNs() + timeout_ns;
  for (;;) {
    // What others still hold is let go of by nobody's wake.
    const int64_t left_ns = std::min<int64_t>(until_ns - core_->HostNowNs(), kQuiesceLookNs);
    if (held().is_none() || left_ns <= 0) return held();
    if (const auto items = Run(kBlockItems, left_ns); !items.ok()) return items.status();
  }
}

HeldTasks TurnedExecutor::held() const {
  const uint64_t live_now = live();
  return {.live = live_now, .handles = outstanding() - std::min(outstanding(), live_now)};
}

}  // namespace weft
