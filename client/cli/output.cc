#include "client/cli/output.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/admin_output.h"
#include "client/cli/duration.h"
#include "client/cli/table.h"
#include "weft/status_details.h"

namespace weft::cli {
namespace {

// What follows the prefix of an enumerator, in lower case.
std::string Word(const std::string& name, const std::string& prefix) {
  return absl::AsciiStrToLower(name.substr(std::min(prefix.size(), name.size())));
}

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

// Length of the UTF-8 sequence that begins with this byte; 0 when none does.
size_t SequenceLength(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0x80) return 1;
  if (byte >= 0xC2 && byte < 0xE0) return 2;
  if (byte >= 0xE0 && byte < 0xF0) return 3;
  if (byte >= 0xF0 && byte < 0xF5) return 4;
  return 0;
}

bool IsPrintable(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = SequenceLength(text[i]);
    if (length == 0 || i + length > text.size()) return false;
    const bool control = length == 1 && absl::ascii_iscntrl(static_cast<unsigned char>(text[i]));
    if (control && text[i] != '\n' && text[i] != '\t') return false;
    for (size_t k = 1; k < length; ++k) {
      if (!IsContinuation(text[i + k])) return false;
    }
    i += length;
  }
  return true;
}

// What a terminal would obey is told instead of sent to it.
std::string MessageForPeople(absl::string_view message) {
  std::string text;
  for (const char c : message) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      absl::StrAppend(&text, "\\x", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      text.push_back(c);
    }
  }
  return text;
}

void WriteCoreRow(const v1::CoreStats& core, std::ostream& out) {
  // The blocking pool sits nowhere.
  const bool is_placed = core.core() != UINT32_MAX;
  out << absl::StreamFormat("%-5s %4s %7s %-8s %8d %8d %8d %8d %8d %12d %8d %8d %8d %6d\n",
                            CoreText(core.core()), is_placed ? absl::StrCat(core.numa_node()) : "-",
                            is_placed ? absl::StrCat(core.package()) : "-",
                            CoreStateWord(core.state()), core.queued_high(), core.queued_normal(),
                            core.queued_low(), core.held(), core.started(), core.tasks_executed(),
                            core.sleeps(), core.wakes(), core.stack_waits(), core.stalls());
}

void WriteCoreStats(const v1::GetStatsResponse& stats, std::ostream& out) {
  out << absl::StreamFormat("%-5s %4s %7s %-8s %8s %8s %8s %8s %8s %12s %8s %8s %8s %6s\n", "core",
                            "node", "package", "state", "high", "normal", "low", "held", "started",
                            "executed", "sleeps", "wakes", "no stack", "stalls");
  for (const v1::CoreStats& core : stats.cores()) WriteCoreRow(core, out);
  if (stats.has_blocking()) WriteCoreRow(stats.blocking().stats(), out);
}

void WriteExecutorStats(const char* name, const v1::ExecutorStats& stats, std::ostream& out) {
  out << absl::StreamFormat(
      "%-10s executed %d, failed %d, busy %s; latency min %s, avg %s, max %s\n", name,
      stats.tasks_executed(), stats.tasks_failed(),
      FormatDuration(static_cast<int64_t>(stats.total_execution_time_ns())),
      FormatDuration(static_cast<int64_t>(stats.min_latency_ns())),
      FormatDuration(static_cast<int64_t>(stats.avg_latency_ns())),
      FormatDuration(static_cast<int64_t>(stats.max_latency_ns())));
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message, bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  options.add_whitespace = pretty;
  std::string json;
  // Every message of weft.v1 can be written; a google.protobuf.Any of an unknown type could not.
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::StrCat("{\"error\":\"", status.message().ToString(), "\"}");
  return json;
}

std::string ErrorLine(const absl::Status& status, const std::string& target) {
  std::string line =
      absl::StrCat("weft: ", CodeName(status), ": ", MessageForPeople(status.message()));
  const std::string reason = ErrorReason(status);
  if (status.code() == absl::StatusCode::kUnavailable && reason.empty()) {
    return absl::StrCat(line, "; no daemon answers at ", target,
                        " - start one with weftd, or name another with --target or WEFT_TARGET");
  }
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolations(status)) {
    fields.push_back(violation.field);
  }
  if (!fields.empty()) absl::StrAppend(&line, " (field ", absl::StrJoin(fields, ", "), ")");
  const std::vector<std::string> bounds = ExceededBounds(status);
  if (!bounds.empty()) absl::StrAppend(&line, " (bound ", absl::StrJoin(bounds, ", "), ")");
  const std::optional<int64_t> delay_ns = RetryDelayNs(status);
  if (delay_ns) absl::StrAppend(&line, "; try again in ", FormatDuration(*delay_ns));
  return line;
}

std::string StateWord(v1::TaskState state) {
  return Word(v1::TaskState_Name(state), "TASK_STATE_");
}

std::string PriorityWord(v1::Priority priority) {
  return Word(v1::Priority_Name(priority), "PRIORITY_");
}

std::string OutputForPeople(const std::string& output) {
  if (IsPrintable(output)) return output;
  return absl::StrCat(output.size(), " bytes that are not text (--raw writes them)");
}

std::string CoreText(uint32_t core) { return core == UINT32_MAX ? "pool" : absl::StrCat(core); }

std::string CoreStateWord(v1::CoreState state) {
  if (state == v1::CORE_STATE_UNSPECIFIED) return "-";
  return Word(v1::CoreState_Name(state), "CORE_STATE_");
}

std::string PlaceText(uint32_t core) {
  return core == UINT32_MAX ? "in the blocking pool" : absl::StrCat("on core ", core);
}

std::string LedgerLine(const v1::TaskResult& result) {
  std::string line = absl::StrCat("task ", result.task_id(), " ", StateWord(result.state()), " ",
                                  PlaceText(result.core()), " (", PriorityWord(result.priority()),
                                  "): queued ", FormatDuration(result.queue_latency_ns()), ", ran ",
                                  FormatDuration(result.execution_latency_ns()));
  if (result.suspended_ns() > 0) {
    absl::StrAppend(&line, " (suspended ", FormatDuration(result.suspended_ns()), ")");
  }
  absl::StrAppend(&line, ", total ", FormatDuration(result.total_latency_ns()));
  if (result.has_off_core_ns()) {
    absl::StrAppend(&line, "; unusually long, at most ", FormatDuration(result.off_core_ns()),
                    " of it without a CPU");
  }
  if (result.has_error()) {
    absl::StrAppend(&line, "; ",
                    Word(v1::TaskErrorCode_Name(result.error().code()), "TASK_ERROR_CODE_"), ": ",
                    MessageForPeople(result.error().message()));
  }
  return line;
}

void WriteTask(const v1::TaskResult& result, bool json, std::ostream& out) {
  if (json) {
    out << ToJson(result, true);
    return;
  }
  const std::string output = OutputForPeople(result.output());
  out << output << (output.empty() || output.back() == '\n' ? "" : "\n") << LedgerLine(result)
      << "\n";
}

void WriteStats(const v1::GetStatsResponse& stats, std::ostream& out) {
  out << "weftd " << stats.version() << ", " << stats.active_workers() << " workers"
      << (stats.executor_kind().empty() ? "" : absl::StrCat(", executor ", stats.executor_kind()))
      << (stats.draining() ? ", draining" : "") << "\n";
  WriteExecutorStats("lifetime", stats.lifetime(), out);
  WriteExecutorStats("last 10 s", stats.last_10s(), out);
  out << "target     " << FormatDuration(static_cast<int64_t>(stats.target_latency_ns()))
      << (stats.meeting_latency_target() ? ", met" : ", missed") << "\n";
  const v1::TaskCounts& tasks = stats.tasks();
  out << absl::StreamFormat(
      "tasks      accepted %d = succeeded %d + failed %d + cancelled %d + expired %d + in flight "
      "%d; refused %d\n",
      tasks.accepted(), tasks.succeeded(), tasks.failed(), tasks.cancelled(), tasks.expired(),
      tasks.in_flight(), tasks.refused());
  WriteRefusals(stats, out);
  out << absl::StreamFormat("results    kept %d (%d bytes), waiters %d, promise violations %d\n",
                            stats.results_kept(), stats.results_kept_bytes(), stats.waiters(),
                            stats.promise_violations());
  const v1::IoStats& io = stats.io();
  out << absl::StreamFormat("io         %s, operations %d, failed %d, in flight %d\n", io.backend(),
                            io.operations(), io.failed(), io.in_flight());
  if (!io.fallback_reason().empty()) {
    out << "           not io_uring: " << io.fallback_reason() << "\n";
  }
  if (stats.has_blocking()) out << "pool       " << PoolText(stats.blocking()) << "\n";
  WriteCoreStats(stats, out);
  WriteHandlerStats(stats.handlers(), out);
}

void WriteHandlers(const v1::ListHandlersResponse& handlers, std::ostream& out) {
  for (const v1::HandlerInfo& handler : handlers.handlers()) {
    const char* const where = handler.blocking()         ? " (blocking pool)"
                              : handler.never_suspends() ? ""
                                                         : " (may suspend)";
    out << absl::StreamFormat("%-12s %s%s%s%s\n", handler.name(), handler.help(), where,
                              handler.paused() ? " (paused)" : "",
                              handler.demoted() ? " (demoted to the blocking pool)" : "");
  }
}

void WriteLatencyTable(const LatencyHistogram& queue, const LatencyHistogram& execution,
                       const LatencyHistogram& round_trip, std::ostream& out) {
  constexpr size_t kWidth = 12;
  constexpr std::array<double, 4> kPercents = {50, 90, 99, 99.9};
  out << absl::StreamFormat("%-12s%12s%12s%12s%12s%12s\n", "latency", "p50", "p90", "p99", "p99.9",
                            "max");
  const auto write_row = [&](const char* name, const LatencyHistogram& histogram) {
    out << absl::StreamFormat("%-12s", name);
    for (const double percent : kPercents) {
      out << PadLeft(FormatDuration(histogram.Percentile(percent)), kWidth);
    }
    out << PadLeft(FormatDuration(histogram.max_ns()), kWidth) << "\n";
  };
  write_row("queue", queue);
  write_row("execution", execution);
  write_row("round trip", round_trip);
}

}  // namespace weft::cli
