#include <iostream>
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace weft::cli {
namespace {

void AddHandlerName(CLI::App* command, std::string* handler) {
  command->add_option("handler", *handler, "Name of the handler, from weft handlers")
      ->type_name("HANDLER")
      ->required();
}

// What came of a call that changes one handler.
template <class Response>
int Tell(const Session& session, const absl::StatusOr<Response>& answer, const std::string& handler,
         const char* is_now) {
  if (!answer.ok()) return session.Report(answer.status());
  if (session.json) {
    std::cout << ToJson(*answer, true);
  } else {
    std::cout << handler << (answer->changed() ? " is now " : " was already ") << is_now << "\n";
  }
  return 0;
}

}  // namespace

void AddPause(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "pause", "Refuse the tasks of a handler and hold those that are queued",
                 "  weft pause sha256      (until weft resume sha256, or the daemon's end)\n");
  const auto handler = std::make_shared<std::string>();
  AddHandlerName(command, handler.get());
  AddSessionOptions(command, session);
  command->callback([session, handler] {
    session->WithClient([&](Client& client) {
      return Tell(*session, client.PauseHandler(*handler), *handler, "paused");
    });
  });
}

void AddResume(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "resume", "Take back weft pause: held tasks go on", "  weft resume sha256\n");
  const auto handler = std::make_shared<std::string>();
  AddHandlerName(command, handler.get());
  AddSessionOptions(command, session);
  command->callback([session, handler] {
    session->WithClient([&](Client& client) {
      return Tell(*session, client.ResumeHandler(*handler), *handler, "running");
    });
  });
}

}  // namespace weft::cli
