#include <iostream>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/output.h"

namespace weft::cli {

void AddGet(CLI::App* app, Session* session) {
  CLI::App* command = AddCommand(app, "get", "Show a task as it stands",
                                 "  weft get 72057594037927937\n"
                                 "  weft get 72057594037927937 --json\n");
  const auto task_id = std::make_shared<uint64_t>(0);
  AddTaskId(command, task_id.get());
  AddSessionOptions(command, session);
  command->callback([session, task_id] {
    session->WithClient([&](Client& client) -> int {
      auto result = client.Get(*task_id);
      if (!result.ok()) return session->Report(result.status());
      WriteTask(*result, session->json, std::cout);
      // A task that has not ended is an answer here, not a wait that elapsed.
      const ExitCode code = ExitCodeOf(result->state());
      return code == kExitTimedOut ? kExitOk : code;
    });
  });
}

}  // namespace weft::cli
