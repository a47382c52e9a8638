#include "client/cli/run_files.h"

#include <chrono>
#include <deque>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"
#include "client/latency_histogram.h"
#include "weft/status_details.h"

namespace weft::cli {
namespace {

constexpr int kMaxAttempts = 20;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// One file from the list: unsent, in flight, or done and waiting for its turn to be printed.
struct FileTask {
  std::string name;
  int64_t sent_ns = 0;
  int attempts = 0;
  bool done = false;
  std::string out;  // What to print once it is done.
  std::string err;
};

class FilesRun {
 public:
  FilesRun(const Session& session, const TaskOptions& task, const FilesOptions& options,
           TaskStream* stream, std::istream* list)
      : session_(session), task_(task), options_(options), stream_(stream), list_(list) {}

  int Run() {
    const int64_t start_ns = NowNs();
    absl::Status status = FillWindow();
    while (status.ok() && (stream_->outstanding() > 0 || !retries_.empty())) {
      if (stream_->outstanding() > 0) status = TakeAnswer();
      if (status.ok()) status = FillWindow();
    }
    if (status.ok()) status = stream_->Finish();
    if (!status.ok()) KeepFirst(session_.Report(status));
    WriteSummary(NowNs() - start_ns);
    return exit_code_;
  }

 private:
  // Sends what was refused again, then files until the window is full or the list has ended.
  absl::Status FillWindow() {
    while (stream_->CanSend() && !retries_.empty()) {
      const uint64_t index = retries_.front();
      retries_.pop_front();
      absl::Status sent = Send(index);
      if (!sent.ok()) return sent;
    }
    std::string name;
    while (stream_->CanSend() && files_.size() < options_.window && std::getline(*list_, name)) {
      if (name.empty()) continue;
      files_.push_back({.name = name});
      absl::Status sent = Send(first_ + files_.size() - 1);
      if (!sent.ok()) return sent;
      PrintDone();
    }
    PrintDone();
    return absl::OkStatus();
  }

  FileTask& File(uint64_t index) { return files_[index - first_]; }

  absl::Status Send(uint64_t index) {
    FileTask& file = File(index);
    auto content = ReadFile(file.name);
    if (!content.ok()) {
      Fail(&file, absl::StrCat("weft: ", content.status().message()), kExitTaskFailed);
      return absl::OkStatus();
    }
    TaskOptions options = task_;
    options.tag = index;
    auto spec = MakeSpec(options);
    if (!spec.ok()) return spec.status();
    spec->set_payload(*std::move(content));
    file.sent_ns = NowNs();
    ++file.attempts;
    return stream_->Send(*spec);
  }

  absl::Status TakeAnswer() {
    auto row = stream_->Next();
    if (!row.ok()) return row.status();
    const uint64_t index = row->client_tag();
    if (index < first_ || index - first_ >= files_.size() || File(index).done) {
      return absl::InternalError(absl::StrCat("the daemon answered row ", index, " unasked"));
    }
    const absl::Status refused = RowStatus(*row);
    if (refused.ok()) {
      TakeResult(row->result(), &File(index));
      PrintDone();
      return absl::OkStatus();
    }
    const std::optional<int64_t> delay_ns = RetryDelayNs(refused);
    if (delay_ns && File(index).attempts < kMaxAttempts) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(*delay_ns));
      retries_.push_back(index);
      return absl::OkStatus();
    }
    Fail(&File(index),
         absl::StrCat("weft: ", File(index).name, ": ", CodeName(refused), ": ", refused.message()),
         ExitCodeOf(refused));
    PrintDone();
    return absl::OkStatus();
  }

  void TakeResult(const v1::TaskResult& result, FileTask* file) {
    queue_.Add(result.queue_latency_ns());
    execution_.Add(result.execution_latency_ns());
    round_trip_.Add(NowNs() - file->sent_ns);
    if (session_.json) file->out = absl::StrCat(ToJson(result, false), "\n");
    if (result.state() != v1::TASK_STATE_SUCCEEDED) {
      Fail(file, absl::StrCat("weft: ", file->name, ": ", LedgerLine(result)), kExitTaskFailed);
      return;
    }
    if (!session_.json) file->out = DigestLine(result.output(), file->name);
    file->done = true;
    ++succeeded_;
  }

  void Fail(FileTask* file, std::string line, int exit_code) {
    file->err = std::move(line);
    file->done = true;
    KeepFirst(exit_code);
  }

  // Prints what is done at the head of the list.
  void PrintDone() {
    while (!files_.empty() && files_.front().done) {
      std::cout << files_.front().out;
      if (!files_.front().err.empty()) std::cerr << files_.front().err << "\n";
      files_.pop_front();
      ++first_;
    }
  }

  void KeepFirst(int exit_code) {
    if (exit_code_ == kExitOk) exit_code_ = exit_code;
  }

  void WriteSummary(int64_t elapsed_ns) {
    std::cout.flush();
    std::cerr << absl::StreamFormat("%d of %d files succeeded in %s\n", succeeded_,
                                    first_ + files_.size(), FormatDuration(elapsed_ns));
    WriteLatencyTable(queue_, execution_, round_trip_, std::cerr);
  }

  const Session& session_;
  const TaskOptions& task_;
  const FilesOptions& options_;
  TaskStream* const stream_;
  std::istream* const list_;
  std::deque<FileTask> files_;
  std::deque<uint64_t> retries_;  // Refused with a delay that has passed.
  uint64_t first_ = 0;            // Place in the list of files_.front().
  uint64_t succeeded_ = 0;
  int exit_code_ = kExitOk;
  LatencyHistogram queue_;
  LatencyHistogram execution_;
  LatencyHistogram round_trip_;
};

}  // namespace

std::string DigestLine(const std::string& output, const std::string& name) {
  std::string escaped;
  for (const char letter : name) {
    if (letter == '\\') {
      escaped += "\\\\";
    } else if (letter == '\n') {
      escaped += "\\n";
    } else if (letter == '\r') {
      escaped += "\\r";
    } else {
      escaped += letter;
    }
  }
  return absl::StrCat(escaped == name ? "" : "\\", output, "  ", escaped, "\n");
}

int RunFiles(Client& client, const Session& session, const TaskOptions& task,
             const FilesOptions& options) {
  absl::StatusOr<std::ifstream> file;
  if (options.list != "-") {
    file = OpenFile(options.list);
    if (!file.ok()) return session.Report(file.status());
  }
  auto stream = client.OpenStream({.window = options.window});
  if (!stream.ok()) return session.Report(stream.status());
  std::istream* list = options.list == "-" ? &std::cin : &*file;
  return FilesRun(session, task, options, stream->get(), list).Run();
}

}  // namespace weft::cli
