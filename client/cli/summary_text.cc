#include "client/cli/summary_text.h"

#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/duration.h"
#include "client/cli/output.h"

namespace weft::cli {
namespace {

constexpr size_t kDurationColumns = 10;

// A latency, or "-" for one that is not there yet.
std::string DurationColumn(int64_t ns) {
  const std::string text = ns == 0 ? "-" : FormatDuration(ns);
  // The µ is two bytes and one column.
  const size_t columns = text.size() - (text.find("\xC2\xB5") == std::string::npos ? 0 : 1);
  return std::string(columns < kDurationColumns ? kDurationColumns - columns : 0, ' ') + text;
}

}  // namespace

std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  std::string text;
  for (const auto& [key, value] : sorted) {
    absl::StrAppend(&text, text.empty() ? "" : " ", key, "=", absl::Utf8SafeCHexEscape(value));
  }
  return text;
}

std::string SummaryHeader() {
  return absl::StrFormat("%-20s %-9s %-12s %4s %10s %10s  %s\n", "task", "state", "handler", "core",
                         "queued", "ran", "labels");
}

std::string SummaryRow(const v1::TaskSummary& task) {
  const v1::TaskResult& result = task.result();
  std::string row = absl::StrFormat(
      "%-20d %-9s %-12s %4s %s %s", result.task_id(), StateWord(result.state()), task.handler(),
      CoreText(result.core()), DurationColumn(result.queue_latency_ns()),
      DurationColumn(result.execution_latency_ns()));
  const std::string labels = LabelsText(task.labels());
  if (!labels.empty()) absl::StrAppend(&row, "  ", labels);
  return absl::StrCat(row, "\n");
}

std::string EventLine(const v1::TaskEvent& event) {
  const v1::TaskSummary& task = event.task();
  const v1::TaskResult& result = task.result();
  const std::string labels = LabelsText(task.labels());
  const std::string what = absl::StrCat(task.handler(), labels.empty() ? "" : " ", labels);
  if (event.kind() == v1::TASK_EVENT_KIND_ACCEPTED) {
    return absl::StrCat("accepted ", what, ": task ", result.task_id(), " ",
                        PlaceText(result.core()), " (", PriorityWord(result.priority()), ")\n");
  }
  return absl::StrCat("ended    ", what, ": ", LedgerLine(result), "\n");
}

}  // namespace weft::cli
