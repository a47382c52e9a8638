#include "client/cli/admin_output.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/duration.h"
#include "client/cli/output.h"
#include "client/cli/table.h"

namespace weft::cli {
namespace {

constexpr size_t kLatencyWidth = 11;

std::string Latency(uint64_t ns) {
  return PadLeft(FormatDuration(static_cast<int64_t>(ns)), kLatencyWidth);
}

std::string IdleText(const v1::CoreInfo& core) {
  if (core.idle() != "adaptive") return core.idle();
  return absl::StrCat("adaptive ", FormatDuration(core.spin_budget_ns()));
}

std::string RunningText(const v1::CoreInfo& core) {
  if (core.running_handler().empty()) return "-";
  return absl::StrCat(core.running_handler(), " for ", FormatDuration(core.running_for_ns()));
}

void WriteBlockingPool(const v1::BlockingPool& pool, std::ostream& out) {
  out << "blocking pool: " << PoolText(pool) << "\n";
  for (const v1::BlockingThread& thread : pool.busy()) {
    out << absl::StreamFormat("  weft-block-%d %s for %s\n", thread.thread(),
                              thread.running_handler(), FormatDuration(thread.running_for_ns()));
  }
}

uint64_t QueuedOf(const v1::CoreStats& stats) {
  return uint64_t{stats.queued_high()} + stats.queued_normal() + stats.queued_low();
}

}  // namespace

std::string PoolText(const v1::BlockingPool& pool) {
  std::string text = absl::StrCat(pool.busy_size(), " of ", pool.threads_max(), " threads busy, ",
                                  QueuedOf(pool.stats()), " queued (at most ",
                                  pool.max_queue_depth(), " a level), refused ", pool.refused());
  if (pool.threads_refused() > 0) {
    absl::StrAppend(&text, ", threads not granted ", pool.threads_refused());
  }
  return text;
}

std::string BudgetText(const v1::Budget& budget) {
  if (budget.has_microseconds()) {
    return FormatDuration(int64_t{budget.microseconds()} * 1'000);
  }
  return absl::StrCat(budget.polls(), budget.polls() == 1 ? " poll" : " polls");
}

void WriteCores(const v1::ListCoresResponse& cores, std::ostream& out) {
  out << absl::StreamFormat("%-5s %4s %7s %-8s %-8s %-12s %-18s %-4s %8s %8s %8s  %s\n", "core",
                            "node", "package", "state", "executor", "budget", "idle", "fifo",
                            "queued", "held", "started", "running");
  for (const v1::CoreInfo& core : cores.cores()) {
    const v1::CoreStats& stats = core.stats();
    const uint64_t queued = QueuedOf(stats);
    out << absl::StreamFormat("%-5d %4d %7d %-8s ", stats.core(), core.numa_node(), core.package(),
                              CoreStateWord(stats.state()))
        << PadRight(core.executor_kind().empty() ? "-" : core.executor_kind(), 8) << " "
        << PadRight(BudgetText(core.budget()), 12) << " " << PadRight(IdleText(core), 18)
        << absl::StreamFormat(" %-4s %8d %8d %8d  ", core.realtime() ? "yes" : "no", queued,
                              stats.held(), stats.started())
        << RunningText(core) << "\n";
  }
  if (cores.has_blocking()) WriteBlockingPool(cores.blocking(), out);
}

void WriteHandlerStats(const google::protobuf::RepeatedPtrField<v1::HandlerStats>& handlers,
                       std::ostream& out) {
  const auto is_shown = [](const v1::HandlerStats& handler) {
    return handler.tasks_executed() > 0 || handler.paused() || handler.demoted();
  };
  if (std::none_of(handlers.begin(), handlers.end(), is_shown)) return;
  out << absl::StreamFormat("%-16s %12s %10s %11s%11s%11s%11s\n", "handler", "executed", "failed",
                            "queue p50", "p99", "run p50", "p99");
  for (const v1::HandlerStats& handler : handlers) {
    if (!is_shown(handler)) continue;
    out << absl::StreamFormat("%-16s %12d %10d ", handler.name(), handler.tasks_executed(),
                              handler.tasks_failed())
        << Latency(handler.queue_p50_ns()) << Latency(handler.queue_p99_ns())
        << Latency(handler.execution_p50_ns()) << Latency(handler.execution_p99_ns())
        << (handler.paused() ? "  paused" : "") << (handler.demoted() ? "  demoted" : "") << "\n";
  }
}

void WriteRefusals(const v1::GetStatsResponse& stats, std::ostream& out) {
  if (stats.refusals().empty()) return;
  std::vector<std::string> texts;
  for (const v1::RefusalCount& refusal : stats.refusals()) {
    texts.push_back(absl::StrCat(refusal.reason(), " ", refusal.count()));
  }
  out << "refused    " << absl::StrJoin(texts, ", ") << "\n";
}

}  // namespace weft::cli
