#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "cli_model/model_flag.h"
#include "config/environment.h"
#include "config/loader.h"
#include "config/reference.h"
#include "daemon/dev_mode.h"
#include "daemon/exit_code.h"
#include "daemon/machine_check.h"
#include "daemon/server.h"
#include "daemon/signals.h"
#include "sys/thread.h"
#include "sys/topology.h"

namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  weftd                                   no configuration needed\n"
    "  weftd dev                               to try it out: free ports, temporary files\n"
    "  weftd --config /etc/weft/weftd.toml\n"
    "  weftd --config weftd.toml --check-config\n"
    "  WEFT_LOG_LEVEL=warn weftd --print-config\n"
    "  weftd --set executor.cores=[1,2] --set rpc.listen=127.0.0.1:9000\n"
    "\n"
    "Exit codes: 0 drained, 1 ended at once, 64 usage, 69 an address is in use, or a core, a "
    "thread or\n"
    "memory is not granted, 70 internal error, 78 configuration.\n";

// What weftd is asked to do instead of serving.
struct Asked {
  bool check_config = false;
  bool print_config = false;
  bool print_default_config = false;
  bool dev = false;
};

void AddOptions(CLI::App* app, weft::ConfigSources* sources, Asked* asked) {
  CLI::Option* const file =
      app->add_option("--config", sources->file, "TOML file; without it the defaults hold")
          ->type_name("FILE");
  app->add_option("--set", sources->settings,
                  "Sets one key, over the file and WEFT_* variables; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->delimiter('\0');
  app->add_flag(
      "--check-config", asked->check_config,
      "Tells every mistake of the configuration and exits: 0 when there is none, else 78; warns of "
      "what this machine would not grant");
  app->add_flag("--print-config", asked->print_config,
                "Prints every value that holds and where it comes from, and exits");
  app->add_flag("--print-default-config", asked->print_default_config,
                "Prints a file with every key, its help and its default, and exits");
  app->set_version_flag("--version", "weftd " WEFT_VERSION);
  app->add_subcommand("dev", "Serves for trying it out: free ports, temporary files, no file read")
      ->callback([asked] { asked->dev = true; })
      ->fallthrough()
      ->excludes(file);
  weft::AddModelFlag(app);
}

int Fail(const absl::Status& status, int exit_code) {
  std::cerr << status.message() << "\n";
  return exit_code;
}

// Ending in order takes threads, and gRPC waits without end for those it could not start.
[[noreturn]] void EndAtOnce(const absl::Status& status) {
  std::_Exit(Fail(status, weft::ExitCodeOf(status)));
}

// An answer that could not be written is no success.
int Print(const std::string& text) {
  std::cout << text << std::flush;
  return std::cout.good() ? weft::kExitDrained : weft::kExitInternal;
}

// The configuration is right; it may be meant for another machine.
int PrintCheck(const weft::LoadedConfig& loaded) {
  std::string text;
  const absl::StatusOr<std::vector<int>> allowed = weft::sys::AllowedCpus();
  if (!allowed.ok()) return Fail(allowed.status(), weft::kExitInternal);
  const weft::MachineOffer offer = weft::TryMachine(loaded.config, *allowed);
  for (const std::string& warning : weft::MachineWarnings(loaded, offer)) {
    text += "warning: " + warning + "\n";
  }
  return Print(text + "ok\n");
}

std::string ReadEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

void ShowDevScreen(const weft::Server& server, const weft::DevMode& mode) {
  std::error_code ignored;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  Print(weft::ToText({.version = WEFT_VERSION,
                      .folder = mode.folder(),
                      .rpc_addresses = server.rpc_addresses(),
                      .web_address = server.web_address(),
                      .client = weft::ClientCommand(self, ReadEnvironment("PATH")),
                      .has_file_hash = server.HasHandler("file.hash")}));
}

int Serve(const Asked& asked, weft::ConfigSources sources, const weft::DevMode* dev) {
  if (dev != nullptr) sources.presets = dev->Presets();
  absl::StatusOr<weft::LoadedConfig> loaded = weft::LoadConfig(sources);
  if (!loaded.ok()) return Fail(loaded.status(), weft::kExitConfig);
  if (asked.print_config) return Print(weft::PrintConfig(*loaded));
  if (asked.check_config) return PrintCheck(*loaded);
  weft::BlockSignals();
  weft::Server server(*std::move(loaded), std::move(sources), WEFT_VERSION);
  try {
    if (absl::Status status = server.Start(); !status.ok()) {
      if (absl::IsResourceExhausted(status)) EndAtOnce(status);
      return Fail(status, weft::ExitCodeOf(status));
    }
    if (dev != nullptr) ShowDevScreen(server, *dev);
    return server.Run();
  } catch (const std::system_error& error) {
    // From a library that starts threads of its own.
    EndAtOnce(weft::sys::NoThread("of a library", error));
  } catch (const std::bad_alloc&) {
    EndAtOnce(absl::ResourceExhaustedError(
        "there is no more memory; allow more (MemoryMax= of the service, ulimit -v)"));
  }
}

}  // namespace

int main(int argc, char** argv) {
  // Debian builds abseil with its deadlock detector, which costs 5 % and has false positives.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  weft::ConfigSources sources;
  CLI::App app("weftd: a task server for microsecond work", "weftd");
  app.footer(kExamples);
  Asked asked;
  AddOptions(&app, &sources, &asked);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? weft::kExitDrained : weft::kExitUsage;
  }

  if (asked.print_default_config) return Print(weft::SampleConfig());
  sources.environment = weft::WeftVariables();
  if (!asked.dev) return Serve(asked, std::move(sources), nullptr);
  const absl::StatusOr<weft::DevMode> dev = weft::DevMode::Create(ReadEnvironment);
  if (!dev.ok()) return Fail(dev.status(), weft::kExitInternal);
  return Serve(asked, std::move(sources), &*dev);
}
