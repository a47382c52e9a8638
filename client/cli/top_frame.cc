#include "client/cli/top_frame.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/duration.h"
#include "client/cli/output.h"
#include "client/cli/table.h"

namespace weft::cli {
namespace {

// So that all but the longest names and figures fit into 80 columns.
constexpr size_t kRateWidth = 9;
constexpr size_t kCountWidth = 7;
constexpr size_t kWideCountWidth = 8;
constexpr size_t kLatencyWidth = 10;
constexpr size_t kHandlerWidth = 14;
constexpr size_t kCoreWidth = 4;

using Lines = std::vector<std::string>;

// Differences of two messages, told by the second.
class Rates {
 public:
  explicit Rates(const TopView& view)
      : seconds_(view.before ? static_cast<double>(view.now.interval_ns()) / 1e9 : 0) {}

  // "1,234", or "-" while there is nothing to compare with.
  std::string Of(uint64_t now, uint64_t before) const {
    return now < before ? "-" : OfCount(now - before);
  }
  std::string OfCount(uint64_t count) const {
    if (seconds_ <= 0) return "-";
    return Grouped(static_cast<uint64_t>(std::llround(static_cast<double>(count) / seconds_)));
  }

 private:
  const double seconds_;
};

std::string Age(int64_t ns) {
  const int64_t seconds = std::max<int64_t>(ns, 0) / 1'000'000'000;
  if (seconds < 60) return absl::StrCat(seconds, " s");
  if (seconds < 3'600) return absl::StrCat(seconds / 60, " min");
  if (seconds < 172'800) return absl::StrCat(seconds / 3'600, " h");
  return absl::StrCat(seconds / 86'400, " d");
}

std::string Title(const TopView& view) {
  const v1::GetStatsResponse& stats = view.now.stats();
  std::string title = absl::StrCat("weft top  ", view.target, "  weftd ", stats.version(), "  up ",
                                   Age(view.unix_ns - stats.ready_at_ns()));
  if (view.before) {
    absl::StrAppend(&title, "  interval ", FormatDuration(view.now.interval_ns()));
  }
  if (stats.draining()) absl::StrAppend(&title, "  DRAINING");
  if (stats.promise_violations() > 0) {
    absl::StrAppend(&title, "  PROMISES BROKEN: ", stats.promise_violations());
  }
  return title;
}

std::string Totals(const TopView& view) {
  const v1::GetStatsResponse& stats = view.now.stats();
  const v1::GetStatsResponse before = view.before.value_or(stats);
  const Rates rates(view);
  const v1::TaskCounts& tasks = stats.tasks();
  return absl::StrCat("tasks    accepted ", rates.Of(tasks.accepted(), before.tasks().accepted()),
                      "/s  refused ", rates.Of(tasks.refused(), before.tasks().refused()),
                      "/s  in flight ", Grouped(tasks.in_flight()));
}

std::string Latency(const v1::GetStatsResponse& stats) {
  return absl::StrCat(
      "latency  average ", FormatDuration(static_cast<int64_t>(stats.last_10s().avg_latency_ns())),
      " over 10 s, target ", FormatDuration(static_cast<int64_t>(stats.target_latency_ns())),
      stats.meeting_latency_target() ? " met" : " MISSED");
}

std::string Refusals(const TopView& view) {
  const Rates rates(view);
  std::map<std::string, uint64_t> before;
  if (view.before) {
    for (const auto& refusal : view.before->refusals()) before[refusal.reason()] = refusal.count();
  }
  Lines parts;
  for (const v1::RefusalCount& refusal : view.now.stats().refusals()) {
    parts.push_back(absl::StrCat(refusal.reason(), " ",
                                 rates.Of(refusal.count(), before[refusal.reason()]), "/s (",
                                 Grouped(refusal.count()), ")"));
  }
  return absl::StrCat("refused  ", parts.empty() ? "nothing" : absl::StrJoin(parts, "  "));
}

// The queue that is the deepest of those it has been shown.
struct DeepestQueue {
  void Look(const v1::CoreStats& core) {
    const std::string place =
        core.core() == UINT32_MAX ? "" : absl::StrCat("core ", core.core(), " ");
    Look(core.queued_high(), place + "high");
    Look(core.queued_normal(), place + "normal");
    Look(core.queued_low(), place + "low");
  }
  void Look(uint32_t other, const std::string& place) {
    if (other <= depth) return;
    depth = other;
    where = absl::StrCat(" (", place, ")");
  }
  std::string Text(uint32_t bound) const {
    return absl::StrCat(Grouped(depth), " of ", Grouped(bound), where);
  }

  uint32_t depth = 0;
  std::string where;
};

// The deepest queue of all cores against its bound, that of the blocking pool, and what is kept.
std::string Bounds(const v1::GetStatsResponse& stats) {
  DeepestQueue of_cores;
  for (const v1::CoreStats& core : stats.cores()) of_cores.Look(core);
  std::string line = absl::StrCat("bounds   queue ", of_cores.Text(stats.max_queue_depth()));
  if (stats.has_blocking()) {
    DeepestQueue of_pool;
    of_pool.Look(stats.blocking().stats());
    absl::StrAppend(&line, "  pool ", of_pool.Text(stats.blocking().max_queue_depth()));
  }
  absl::StrAppend(&line, "  kept ", Grouped(stats.results_kept()), " (",
                  FormatBytes(stats.results_kept_bytes()), ")  waiters ", Grouped(stats.waiters()));
  return line;
}

std::string RunningText(const TopView& view, uint32_t cpu) {
  for (const v1::CoreInfo& core : view.cores.cores()) {
    if (core.stats().core() != cpu || core.running_handler().empty()) continue;
    return absl::StrCat(core.running_handler(), " ", FormatDuration(core.running_for_ns()));
  }
  return "-";
}

// How many of the pool's threads run something, and what has held one for longest.
std::string RunningText(const v1::BlockingPool& pool) {
  if (pool.busy().empty()) return "-";
  const auto longest = std::max_element(
      pool.busy().begin(), pool.busy().end(),
      [](const auto& a, const auto& b) { return a.running_for_ns() < b.running_for_ns(); });
  return absl::StrCat(pool.busy_size(), " of ", pool.threads_max(),
                      " threads: ", longest->running_handler(), " ",
                      FormatDuration(longest->running_for_ns()));
}

std::string CoreLine(const v1::CoreStats& now, const v1::CoreStats& before, const Rates& rates,
                     const std::string& running) {
  std::string line = PadRight(CoreText(now.core()), kCoreWidth);
  for (const uint32_t count :
       {now.queued_high(), now.queued_normal(), now.queued_low(), now.held()}) {
    absl::StrAppend(&line, PadLeft(Grouped(count), kCountWidth));
  }
  absl::StrAppend(&line, PadLeft(Grouped(now.started()), kWideCountWidth),
                  PadLeft(rates.Of(now.tasks_executed(), before.tasks_executed()), kRateWidth),
                  PadLeft(rates.Of(now.sleeps(), before.sleeps()), kWideCountWidth),
                  PadLeft(rates.Of(now.wakes(), before.wakes()), kCountWidth),
                  PadLeft(Grouped(now.stalls()), kCountWidth), "  ", running);
  if (now.state() == v1::CORE_STATE_DRAINING) absl::StrAppend(&line, "  DRAINING");
  if (now.state() == v1::CORE_STATE_PARKED) absl::StrAppend(&line, "  PARKED");
  return line;
}

Lines CoreLines(const TopView& view) {
  Lines lines = {absl::StrCat(PadRight("core", kCoreWidth), PadLeft("high", kCountWidth),
                              PadLeft("normal", kCountWidth), PadLeft("low", kCountWidth),
                              PadLeft("held", kCountWidth), PadLeft("started", kWideCountWidth),
                              PadLeft("run/s", kRateWidth), PadLeft("sleep/s", kWideCountWidth),
                              PadLeft("wake/s", kCountWidth), PadLeft("stalls", kCountWidth),
                              "  running")};
  const Rates rates(view);
  for (int i = 0; i < view.now.stats().cores_size(); ++i) {
    const v1::CoreStats& now = view.now.stats().cores(i);
    const bool has_before = view.before && i < view.before->cores_size();
    const v1::CoreStats before = has_before ? view.before->cores(i) : v1::CoreStats();
    lines.push_back(CoreLine(now, before, rates, RunningText(view, now.core())));
  }
  if (view.now.stats().has_blocking()) {
    const v1::BlockingPool& pool = view.now.stats().blocking();
    const v1::CoreStats before = view.before ? view.before->blocking().stats() : v1::CoreStats();
    lines.push_back(CoreLine(pool.stats(), before, rates, RunningText(pool)));
  }
  return lines;
}

std::string HandlerLine(const v1::HandlerStats& handler, const std::string& name,
                        const Rates& rates) {
  std::string line = absl::StrCat(PadRight(CutTo(name, kHandlerWidth), kHandlerWidth),
                                  PadLeft(rates.OfCount(handler.tasks_executed()), kRateWidth),
                                  PadLeft(rates.OfCount(handler.tasks_failed()), kRateWidth));
  for (const uint64_t ns : {handler.queue_p50_ns(), handler.queue_p99_ns(),
                            handler.execution_p50_ns(), handler.execution_p99_ns()}) {
    const std::string text =
        handler.tasks_executed() == 0 ? "-" : FormatDuration(static_cast<int64_t>(ns));
    absl::StrAppend(&line, PadLeft(text, kLatencyWidth));
  }
  if (handler.paused()) absl::StrAppend(&line, "  PAUSED");
  if (handler.demoted()) absl::StrAppend(&line, "  DEMOTED");
  return line;
}

// Those that did most first; all of them together before them.
Lines HandlerLines(const TopView& view) {
  Lines lines = {absl::StrCat(PadRight("handler", kHandlerWidth), PadLeft("run/s", kRateWidth),
                              PadLeft("failed/s", kRateWidth), PadLeft("queue p50", kLatencyWidth),
                              PadLeft("p99", kLatencyWidth), PadLeft("run p50", kLatencyWidth),
                              PadLeft("p99", kLatencyWidth))};
  const Rates rates(view);
  if (view.now.has_all()) lines.push_back(HandlerLine(view.now.all(), "(all)", rates));
  // The first message tells of no interval; then there are no rates, but the pauses.
  std::vector<v1::HandlerStats> handlers(view.now.handlers().begin(), view.now.handlers().end());
  if (handlers.empty()) {
    for (const v1::HandlerStats& handler : view.now.stats().handlers()) {
      handlers.emplace_back().set_name(handler.name());
      handlers.back().set_paused(handler.paused());
      handlers.back().set_demoted(handler.demoted());
    }
  }
  std::stable_sort(handlers.begin(), handlers.end(), [](const auto& a, const auto& b) {
    return a.tasks_executed() > b.tasks_executed();
  });
  for (const v1::HandlerStats& handler : handlers) {
    lines.push_back(HandlerLine(handler, handler.name(), rates));
  }
  return lines;
}

// Keeps the first lines and says how many went, when there are more than `most`.
void Shorten(Lines* lines, size_t most, const char* what) {
  if (lines->size() <= most) return;
  const size_t kept = most > 0 ? most - 1 : 0;
  const size_t gone = lines->size() - kept;
  lines->resize(kept);
  if (most > 0) lines->push_back(absl::StrCat("... ", gone, " more ", what));
}

}  // namespace

std::string TopFrame(const TopView& view, const TopSize& size) {
  constexpr size_t kFewestHandlerLines = 4;
  Lines lines = {Title(view),
                 Totals(view),
                 Latency(view.now.stats()),
                 Refusals(view),
                 Bounds(view.now.stats()),
                 ""};
  Lines cores = CoreLines(view);
  Lines handlers = HandlerLines(view);
  const size_t left = size.rows > lines.size() + 1 ? size.rows - lines.size() - 1 : 0;
  const size_t for_handlers = std::min(handlers.size(), kFewestHandlerLines);
  Shorten(&cores, left > for_handlers ? left - for_handlers : 0, "cores");
  Shorten(&handlers, left > cores.size() ? left - cores.size() : 0, "handlers");
  lines.insert(lines.end(), cores.begin(), cores.end());
  lines.emplace_back();
  lines.insert(lines.end(), handlers.begin(), handlers.end());
  if (lines.size() > size.rows) lines.resize(size.rows);
  for (std::string& line : lines) line = CutTo(line, size.columns);
  return absl::StrJoin(lines, "\n");
}

}  // namespace weft::cli
