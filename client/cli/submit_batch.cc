#include "client/cli/submit_batch.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"
#include "weft/status_details.h"

namespace weft::cli {
namespace {

class BatchRun {
 public:
  BatchRun(Client& client, const Session& session, v1::TaskSpec spec, std::istream& lines)
      : client_(client), session_(session), spec_(std::move(spec)), lines_(lines) {}

  int Run() {
    v1::SubmitTasksRequest request;
    while (Gather(&request)) {
      std::vector<v1::SubmitTasksRow> rows;
      const absl::Status status = Submit(request, &rows);
      if (!status.ok()) return session_.Report(status);
      for (const v1::SubmitTasksRow& row : rows) Write(row);
    }
    return exit_code_;
  }

 private:
  // The next lines; false when there are none.
  bool Gather(v1::SubmitTasksRequest* request) {
    request->clear_specs();
    size_t bytes = 0;
    std::string line;
    while (static_cast<size_t>(request->specs_size()) < kBatchRows && bytes < kBatchBytes &&
           std::getline(lines_, line)) {
      bytes += line.size();
      v1::TaskSpec* const spec = request->add_specs();
      *spec = spec_;
      spec->set_client_tag(spec_.client_tag() + gathered_++);
      spec->set_payload(std::move(line));
    }
    return request->specs_size() > 0;
  }

  // The rows in the order of the specs, those that were refused for now tried again.
  absl::Status Submit(const v1::SubmitTasksRequest& request,
                      std::vector<v1::SubmitTasksRow>* rows) {
    rows->resize(static_cast<size_t>(request.specs_size()));
    std::vector<size_t> open(rows->size());
    for (size_t i = 0; i < open.size(); ++i) open[i] = i;
    for (int tries = 0; !open.empty(); ++tries) {
      v1::SubmitTasksRequest again;
      for (const size_t i : open) *again.add_specs() = request.specs(static_cast<int>(i));
      auto response = client_.SubmitTasks(again);
      if (!response.ok()) return response.status();
      if (static_cast<size_t>(response->rows_size()) != open.size()) {
        return absl::InternalError(
            absl::StrCat("the daemon answered ", response->rows_size(), " rows to ", open.size()));
      }
      for (size_t i = 0; i < open.size(); ++i) {
        (*rows)[open[i]] = std::move(*response->mutable_rows(static_cast<int>(i)));
      }
      if (tries >= session_.retries) break;
      AwaitHints(*rows, &open);
    }
    return absl::OkStatus();
  }

  // Leaves the rows for which trying again can help, after the longest of their delays.
  static void AwaitHints(const std::vector<v1::SubmitTasksRow>& rows, std::vector<size_t>* open) {
    int64_t delay_ns = 0;
    std::erase_if(*open, [&](size_t i) {
      const std::optional<int64_t> hint_ns = RetryDelayNs(RowStatus(rows[i]));
      delay_ns = std::max(delay_ns, hint_ns.value_or(0));
      return !hint_ns.has_value();
    });
    std::this_thread::sleep_for(std::chrono::nanoseconds(delay_ns));
  }

  void Write(const v1::SubmitTasksRow& row) {
    ++line_;
    if (session_.json) {
      std::cout << ToJson(row, false) << "\n";
    } else if (row.has_accepted()) {
      std::cout << row.accepted().task_id() << "\n";
    }
    if (!row.has_status()) return;
    const absl::Status status = RowStatus(row);
    std::cerr << "line " << line_ << ": " << ErrorLine(status, session_.target) << "\n";
    if (exit_code_ == kExitOk) exit_code_ = ExitCodeOf(status);
  }

  Client& client_;
  const Session& session_;
  const v1::TaskSpec spec_;
  std::istream& lines_;
  uint64_t gathered_ = 0;
  uint64_t line_ = 0;
  int exit_code_ = kExitOk;
};

}  // namespace

int SubmitBatch(Client& client, const Session& session, const TaskOptions& task,
                const std::string& lines) {
  auto spec = MakeSpec(task);
  if (!spec.ok()) return session.Report(spec.status());
  if (lines == "-") return BatchRun(client, session, *std::move(spec), std::cin).Run();
  absl::StatusOr<std::ifstream> file = OpenFile(lines);
  if (!file.ok()) return session.Report(file.status());
  return BatchRun(client, session, *std::move(spec), *file).Run();
}

}  // namespace weft::cli
