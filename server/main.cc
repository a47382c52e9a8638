#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "cli_model/model_flag.h"
#include "config/loader.h"
#include "daemon/exit_code.h"
#include "daemon/server.h"
#include "daemon/signals.h"

namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  weftd                                   no configuration needed\n"
    "  weftd --config /etc/weft/weftd.toml\n"
    "  weftd --set executor.cores=[1,2] --set rpc.listen=127.0.0.1:9000\n"
    "\n"
    "Exit codes: 0 drained, 1 ended at once, 64 usage, 69 an address is in use or a core is not\n"
    "granted, 70 internal error, 78 configuration.\n";

int Fail(const absl::Status& status, int exit_code) {
  std::cerr << status.message() << "\n";
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  // Debian builds abseil with its deadlock detector, which costs 5 % and has false positives.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  weft::ConfigSources sources;
  CLI::App app("weftd: a task server for microsecond work", "weftd");
  app.footer(kExamples);
  app.add_option("--config", sources.file, "TOML file; without it the defaults hold")
      ->type_name("FILE");
  app.add_option("--set", sources.settings, "Sets one key, over the file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->delimiter('\0');
  app.set_version_flag("--version", "weftd " WEFT_VERSION);
  weft::AddModelFlag(&app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? weft::kExitDrained : weft::kExitUsage;
  }

  absl::StatusOr<weft::Config> config = weft::LoadConfig(sources);
  if (!config.ok()) return Fail(config.status(), weft::kExitConfig);
  weft::BlockSignals();
  weft::Server server(*std::move(config), WEFT_VERSION);
  if (absl::Status status = server.Start(); !status.ok()) {
    return Fail(status, weft::ExitCodeOf(status));
  }
  return server.Run();
}
