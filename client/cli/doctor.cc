#include "client/doctor/doctor.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/doctor/report.h"

namespace weft::cli {
namespace {

bool HasColour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

int RunDoctor(const doctor::DoctorOptions& options, bool is_json) {
  const std::vector<doctor::Check> checks = doctor::Examine(doctor::MachineRoot(), options);
  if (is_json) {
    doctor::WriteJson(checks, std::cout);
  } else {
    doctor::WriteText(checks, HasColour(), std::cout);
  }
  return doctor::WorstOf(checks) == doctor::Level::kError ? kExitTaskFailed : kExitOk;
}

}  // namespace

void AddDoctor(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(
      app, "doctor", "Look for what keeps weftd from running, or from running fast",
      "  weft doctor\n  weft doctor --target unix:/run/weft/weftd.sock\n"
      "  weft doctor --json | jq '.[] | select(.level != \"ok\")'\n"
      "\nExit code 0 when all is ok or there are only warnings, 1 when there is an error.\n");
  AddTargetOptions(command, session);
  auto options = std::make_shared<doctor::DoctorOptions>();
  const CLI::Option* const web =
      command->add_option("--web", options->web, "host:port of the daemon's HTTP server")
          ->type_name("HOST:PORT")
          ->capture_default_str();
  command->callback([session, options, web] {
    options->is_target_asked_for = session->target != options->target;
    options->target = session->target;
    options->is_web_asked_for = web->count() > 0;
    options->version = WEFT_VERSION;
    session->exit_code = RunDoctor(*options, session->json);
  });
}

}  // namespace weft::cli
