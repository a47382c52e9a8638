#include "client/cli/bench_report.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"

namespace weft::cli {
namespace {

std::string CodeText(size_t code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

// The text as the inside of a JSON string.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      absl::StrAppend(&escaped, "\\", std::string(1, letter));
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      absl::StrAppendFormat(&escaped, "\\u%04x", letter);
    } else {
      escaped += letter;
    }
  }
  return escaped;
}

std::string CodesJson(const std::array<uint64_t, kGrpcCodes>& counts) {
  std::vector<std::string> entries;
  for (size_t code = 0; code < counts.size(); ++code) {
    if (counts[code] == 0) continue;
    entries.push_back(absl::StrCat("\"", CodeText(code), "\": \"", counts[code], "\""));
  }
  return absl::StrCat("{", absl::StrJoin(entries, ", "), "}");
}

std::string LatencyJson(const LatencyHistogram& histogram) {
  return absl::StrFormat(
      "{\"p50_ns\": %d, \"p90_ns\": %d, \"p99_ns\": %d, \"p99_9_ns\": %d, \"max_ns\": %d}",
      histogram.Percentile(50), histogram.Percentile(90), histogram.Percentile(99),
      histogram.Percentile(99.9), histogram.max_ns());
}

void WriteCodes(const char* what, const std::array<uint64_t, kGrpcCodes>& counts,
                std::ostream& out) {
  for (size_t code = 0; code < counts.size(); ++code) {
    if (counts[code] == 0) continue;
    out << absl::StreamFormat("%-12s%12d  %s\n", what, counts[code], CodeText(code));
  }
}

// The exit code of the first gRPC code that was counted.
int FirstExitCode(const std::array<uint64_t, kGrpcCodes>& counts) {
  for (size_t code = 0; code < counts.size(); ++code) {
    if (counts[code] == 0) continue;
    return ExitCodeOf(absl::Status(static_cast<absl::StatusCode>(code), ""));
  }
  return kExitOk;
}

bool HasBatches(const BenchOptions& options) {
  return options.mode == BenchMode::kStream || options.mode == BenchMode::kColumns ||
         options.mode == BenchMode::kCoalesced;
}

}  // namespace

void WriteBenchReport(const BenchOptions& options, const std::string& mode,
                      const BenchReport& report, std::ostream& out) {
  out << absl::StreamFormat("%s %s, %d outstanding", mode, options.spec.handler(),
                            options.outstanding);
  if (HasBatches(options) && options.mode != BenchMode::kCoalesced)
    out << " messages of " << options.batch;
  if (options.mode == BenchMode::kCoalesced) out << " in messages of up to " << options.batch;
  out << absl::StreamFormat(", %s%s\n", FormatDuration(report.elapsed_ns),
                            report.ended_early ? " (ended early)" : "");
  out << absl::StreamFormat("throughput  %12.0f  tasks a second\n", report.tasks_per_second());
  WriteLatencyTable(report.queue, report.execution, report.round_trip, out);
  const std::array<std::pair<const char*, uint64_t>, 6> counts = {{{"sent", report.sent},
                                                                   {"accepted", report.accepted},
                                                                   {"succeeded", report.succeeded},
                                                                   {"failed", report.failed},
                                                                   {"cancelled", report.cancelled},
                                                                   {"expired", report.expired}}};
  for (const auto& [name, count] : counts) out << absl::StreamFormat("%-12s%12d\n", name, count);
  out << absl::StreamFormat("%-12s%12d\n", "refused", report.refused_total());
  WriteCodes("  refused", report.refused, out);
  out << absl::StreamFormat("%-12s%12d\n", "lost", report.lost_total());
  WriteCodes("  lost", report.lost, out);
  if (report.unmatched > 0) out << "answers that match nothing sent: " << report.unmatched << "\n";
  if (!report.first_error.empty()) out << "first error: " << report.first_error << "\n";
}

void WriteBenchJson(const BenchOptions& options, const std::string& mode, const BenchReport& report,
                    std::ostream& out) {
  out << absl::StreamFormat(
      "{\"mode\": \"%s\", \"handler\": \"%s\", \"outstanding\": %d, \"batch\": %d, "
      "\"connections\": %d,\n \"elapsed_ns\": \"%d\", \"tasks_per_second\": %.1f, "
      "\"ended_early\": %s,\n",
      mode, Escaped(options.spec.handler()), options.outstanding,
      HasBatches(options) ? options.batch : 1, options.connections, report.elapsed_ns,
      report.tasks_per_second(), report.ended_early ? "true" : "false");
  out << absl::StreamFormat(
      " \"sent\": \"%d\", \"accepted\": \"%d\", \"succeeded\": \"%d\", \"failed\": \"%d\", "
      "\"cancelled\": \"%d\", \"expired\": \"%d\", \"unmatched\": \"%d\",\n",
      report.sent, report.accepted, report.succeeded, report.failed, report.cancelled,
      report.expired, report.unmatched);
  out << " \"refused\": " << CodesJson(report.refused) << ", \"lost\": " << CodesJson(report.lost)
      << ",\n \"queue\": " << LatencyJson(report.queue)
      << ",\n \"execution\": " << LatencyJson(report.execution)
      << ",\n \"round_trip\": " << LatencyJson(report.round_trip) << ",\n \"first_error\": \""
      << Escaped(report.first_error) << "\"}\n";
}

int BenchExitCode(const BenchReport& report) {
  if (report.unmatched > 0) return kExitTaskFailed;
  if (report.lost_total() > 0) return FirstExitCode(report.lost);
  if (report.answered() > 0) return kExitOk;
  return FirstExitCode(report.refused);
}

}  // namespace weft::cli
