#include <iostream>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"

namespace weft::cli {

void AddHealth(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "health", "Say whether the daemon takes tasks",
                                 "  weft health && echo ready\n  weft health --json\n");
  AddSessionOptions(command, session);
  command->callback([session] {
    session->WithClient([&](Client& client) -> int {
      auto serving = client.IsServing();
      if (!serving.ok()) return session->Report(serving.status());
      const char* word = *serving ? "SERVING" : "NOT_SERVING";
      if (session->json) {
        std::cout << "{\"status\": \"" << word << "\"}\n";
      } else {
        std::cout << word << "\n";
      }
      return *serving ? kExitOk : kExitUnavailable;
    });
  });
}

}  // namespace weft::cli
