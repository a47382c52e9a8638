#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/synchronization/mutex.h"
#include "cli_model/model_flag.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/unknown_command.h"

namespace {

constexpr char kExamples[] = R"(Examples:
  weft run sha256 --file /etc/hostname       run a task and see its result and times
  weft submit sleep 2s                       submit one and get its id; then weft wait ID
  weft bench --mode unary --handler noop --outstanding 64 --duration 5s
  weft stats --json
  weft top                                   watch cores and handlers live; q quits
  weft doctor                                what keeps weftd from running, or running fast
)";

constexpr char kExitCodes[] = R"(Exit codes:
  0    ok
  1    the task failed, was cancelled or expired; the call failed otherwise; or doctor found errors
  2    usage: an option or a field of the request is wrong
  69   unavailable: the daemon does not answer, or is draining
  75   try again later: a bound of the daemon is reached
  124  timed out: the deadline of the call or the wait elapsed
)";

class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    return kExamples + CLI::Formatter::make_help(app, std::move(name), mode);
  }
};

}  // namespace

int main(int argc, char** argv) {
  // Debian builds abseil and gRPC with its checks; they cost 5 %.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app("Runs tasks on a weftd and looks at it", "weft");
  app.footer(kExitCodes);
  app.require_subcommand(1);
  app.formatter(std::make_shared<ExamplesFirst>());
  weft::cli::Session session;
  const char* const target = std::getenv("WEFT_TARGET");
  if (target != nullptr && *target != '\0') session.target = target;
  weft::cli::AddRun(&app, &session);
  weft::cli::AddSubmit(&app, &session);
  weft::cli::AddWait(&app, &session);
  weft::cli::AddGet(&app, &session);
  weft::cli::AddCancel(&app, &session);
  weft::cli::AddList(&app, &session);
  weft::cli::AddWatch(&app, &session);
  weft::cli::AddStats(&app, &session);
  weft::cli::AddHandlers(&app, &session);
  weft::cli::AddCores(&app, &session);
  weft::cli::AddTop(&app, &session);
  weft::cli::AddPause(&app, &session);
  weft::cli::AddResume(&app, &session);
  weft::cli::AddBudget(&app, &session);
  weft::cli::AddBench(&app, &session);
  weft::cli::AddReload(&app, &session);
  weft::cli::AddDoctor(&app, &session);
  weft::cli::AddDrain(&app, &session);
  weft::cli::AddHealth(&app, &session);
  weft::cli::AddVersion(&app, &session);
  weft::AddModelFlag(&app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const std::optional<std::string> unknown = weft::cli::UnknownCommand(app);
    if (unknown.has_value()) {
      app.exit(CLI::ValidationError(*unknown));
      return weft::cli::kExitUsage;
    }
    return app.exit(error) == 0 ? weft::cli::kExitOk : weft::cli::kExitUsage;
  }
  // An answer that could not be written is no success, whatever became of the task.
  std::cout.flush();
  if (std::cout.good()) return session.exit_code;
  std::cerr << "weft: the answer cannot be written to standard output" << std::endl;
  return session.exit_code == weft::cli::kExitOk ? weft::cli::kExitTaskFailed : session.exit_code;
}
