#include <iostream>
#include <memory>

#include "client/cli/commands.h"
#include "client/cli/output.h"

namespace weft::cli {
namespace {

const char* OutcomeText(v1::CancelOutcome outcome) {
  switch (outcome) {
    case v1::CANCEL_OUTCOME_CANCELLED_QUEUED:
      return "cancelled while queued; it never starts";
    case v1::CANCEL_OUTCOME_REQUESTED_RUNNING:
      return "running; asked to stop";
    case v1::CANCEL_OUTCOME_ALREADY_ENDED:
      return "had ended before; nothing was changed";
    default:
      return "answered in a way this version does not know";
  }
}

}  // namespace

void AddCancel(CLI::App* app, Session* session) {
  CLI::App* command =
      AddCommand(app, "cancel", "Cancel a task and say what that did",
                 "  weft cancel 72057594037927937\n"
                 "  id=$(weft submit sleep 1m) && weft cancel $id && weft wait $id\n");
  const auto task_id = std::make_shared<uint64_t>(0);
  AddTaskId(command, task_id.get());
  AddSessionOptions(command, session);
  command->callback([session, task_id] {
    session->WithClient([&](Client& client) -> int {
      auto answer = client.Cancel(*task_id);
      if (!answer.ok()) return session->Report(answer.status());
      if (session->json) {
        std::cout << ToJson(*answer, true);
      } else {
        std::cout << "task " << *task_id << ": " << OutcomeText(answer->outcome()) << " (state "
                  << StateWord(answer->state()) << ")\n";
      }
      return 0;
    });
  });
}

}  // namespace weft::cli
