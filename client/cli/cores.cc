#include <iostream>

#include "client/cli/admin_output.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace weft::cli {

void AddCores(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "cores", "List the cores: where they are, what they do now",
                                 "  weft cores\n  weft cores --json\n");
  AddSessionOptions(command, session);
  command->callback([session] {
    session->WithClient([&](Client& client) -> int {
      auto cores = client.ListCores();
      if (!cores.ok()) return session->Report(cores.status());
      if (session->json) {
        std::cout << ToJson(*cores, true);
      } else {
        WriteCores(*cores, std::cout);
      }
      return 0;
    });
  });
}

}  // namespace weft::cli
