#include <iostream>

#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace weft::cli {

void AddStats(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "stats", "Show what the executors did and how full they are",
                                 "  weft stats\n  weft stats --json\n");
  AddSessionOptions(command, session);
  command->callback([session] {
    session->WithClient([&](Client& client) -> int {
      auto stats = client.GetStats();
      if (!stats.ok()) return session->Report(stats.status());
      if (session->json) {
        std::cout << ToJson(*stats, true);
      } else {
        WriteStats(*stats, std::cout);
      }
      return 0;
    });
  });
}

}  // namespace weft::cli
