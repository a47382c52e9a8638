#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>

#include "absl/strings/str_format.h"
#include "client/bench_engine.h"
#include "client/cli/bench_report.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/task_options.h"

namespace weft::cli {
namespace {

constexpr char kExamples[] =
    R"(  weft bench --mode unary --handler noop --outstanding 64 --duration 5s
  weft bench --mode stream --handler noop --outstanding 8 --batch 64
  weft bench --mode columns --handler noop --outstanding 8 --batch 1024
  weft bench --mode unary --handler sha256 --file /etc/hostname --json
  weft bench --mode coalesced --handler noop
  weft bench --mode submit --handler sleep --payload 1ms --ids-out ids.txt
)";

const std::map<std::string, BenchMode>& Modes() {
  static const auto* const kModes =
      new std::map<std::string, BenchMode>{{"unary", BenchMode::kUnary},
                                           {"stream", BenchMode::kStream},
                                           {"columns", BenchMode::kColumns},
                                           {"submit", BenchMode::kSubmit},
                                           {"coalesced", BenchMode::kCoalesced}};
  return *kModes;
}

std::atomic<bool> stop_requested{false};

void RequestStop(int /*signal*/) { stop_requested.store(true); }

struct BenchCommand {
  TaskOptions task{.handler = "noop"};
  BenchOptions bench;
  std::string mode = "unary";
  size_t outstanding = 0;  // 0: the mode's default.
  size_t batch = 0;        // Likewise.
};

void WriteProgress(uint64_t answered, int64_t elapsed_ns) {
  std::cerr << absl::StreamFormat(
                   "\r%5.0f s  %d tasks, %.0f a second ", static_cast<double>(elapsed_ns) / 1e9,
                   answered, static_cast<double>(answered) * 1e9 / static_cast<double>(elapsed_ns))
            << std::flush;
}

int RunCommand(const Session& session, BenchCommand* command) {
  auto spec = MakeSpec(command->task);
  if (!spec.ok()) return session.Report(spec.status());
  BenchOptions& bench = command->bench;
  bench.target = session.target;
  bench.mode = Modes().at(command->mode);
  bench.spec = *std::move(spec);
  const bool is_stream = bench.mode == BenchMode::kStream || bench.mode == BenchMode::kColumns;
  const size_t usual = is_stream ? 8 : bench.mode == BenchMode::kCoalesced ? 4096 : 64;
  bench.outstanding = command->outstanding > 0 ? command->outstanding : usual;
  if (command->batch > 0) {
    bench.batch = command->batch;
  } else if (bench.mode == BenchMode::kCoalesced || bench.mode == BenchMode::kColumns) {
    bench.batch = 1024;
  }
  bench.stop = &stop_requested;
  std::signal(SIGINT, RequestStop);
  std::signal(SIGTERM, RequestStop);
  const bool on_terminal = isatty(STDERR_FILENO) != 0;
  if (on_terminal) bench.on_progress = WriteProgress;
  auto report = RunBench(bench);
  if (on_terminal) std::cerr << "\r\x1b[K";
  if (!report.ok()) return session.Report(report.status());
  if (session.json) {
    WriteBenchJson(bench, command->mode, *report, std::cout);
  } else {
    WriteBenchReport(bench, command->mode, *report, std::cout);
  }
  return BenchExitCode(*report);
}

}  // namespace

void AddBench(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "bench", "Keep tasks in flight and measure", kExamples);
  const auto options = std::make_shared<BenchCommand>();
  command
      ->add_option(
          "--mode", options->mode,
          "unary: RunTask; stream: StreamTasks, rows; columns: the same as columns; submit: "
          "SubmitTask, then WaitTask; coalesced: single tasks, gathered into a stream's messages")
      ->check(CLI::IsMember({"unary", "stream", "columns", "submit", "coalesced"}))
      ->capture_default_str();
  command->add_option("--handler", options->task.handler, "What to run")->capture_default_str();
  command->add_option("--payload", options->task.payload, "Its input as text");
  AddTaskOptions(command, &options->task);
  command
      ->add_option("--outstanding", options->outstanding,
                   "Calls, tasks, or messages of a stream, in flight (default 64; coalesced 4096; "
                   "stream and columns 8)")
      ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--batch", options->batch,
                   "Tasks a message of a stream (default 64; columns 1024); coalesced: at most "
                   "(default 1024)")
      ->check(CLI::Range(1, 1024));
  AddDuration(command, "--pause", &options->bench.pause_ns,
              "With --mode unary: silence before each call but the first (default 0s)");
  AddDuration(command, "--duration", &options->bench.duration_ns, "How long (default 5s)");
  AddDuration(command, "--grace", &options->bench.grace_ns,
              "How long to wait at the end for what is in flight (default 30s)");
  command->add_option("--connections", options->bench.connections, "Connections")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      ->add_option("--threads", options->bench.threads,
                   "Threads, each with one completion queue; at most one a connection")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command
      ->add_option("--ids-out", options->bench.ids_out,
                   "With --mode submit: write `ID OUTCOME` of every accepted task here")
      ->type_name("FILE");
  AddSessionOptions(command, session);
  command->callback(
      [session, options] { session->exit_code = RunCommand(*session, options.get()); });
}

}  // namespace weft::cli
