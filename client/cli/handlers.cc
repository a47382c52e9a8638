#include <iostream>

#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace weft::cli {

void AddHandlers(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "handlers", "List the handlers a task may name",
                                 "  weft handlers\n  weft handlers --json\n");
  AddSessionOptions(command, session);
  command->callback([session] {
    session->WithClient([&](Client& client) -> int {
      auto handlers = client.ListHandlers();
      if (!handlers.ok()) return session->Report(handlers.status());
      if (session->json) {
        std::cout << ToJson(*handlers, true);
      } else {
        WriteHandlers(*handlers, std::cout);
      }
      return 0;
    });
  });
}

}  // namespace weft::cli
