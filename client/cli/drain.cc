#include <iostream>

#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace weft::cli {

void AddDrain(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "drain", "End the daemon: refuse new tasks, finish those it holds, exit",
                 "  weft drain\n  weft drain --target unix:/run/weft/weftd.sock\n");
  AddSessionOptions(command, session);
  command->callback([session] {
    session->WithClient([&](Client& client) -> int {
      auto answer = client.Drain();
      if (!answer.ok()) return session->Report(answer.status());
      if (session->json) {
        std::cout << ToJson(*answer, true);
      } else {
        std::cout << "draining; " << answer->in_flight() << " tasks in flight\n";
      }
      return 0;
    });
  });
}

}  // namespace weft::cli
